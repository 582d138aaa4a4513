"""What asammdf takes on trust in an MF4 file, and hangs or crashes where it is damaged.

Lists of blocks have to end: it follows them round and round. A channel has to lie within the record
of its group: it reads on in whatever memory is there. A group that alone has its data has to have
as many records as they hold: of compressed ones it takes nothing, for ever, where it has none, and
it leaves out in silence what isn't counted. It numbers all before it looks for them, so no group
can have more than the file has room for.

A block (ASAM MDF 4.1, 5.2) is its name, its length and the number of its links in 24 bytes, then
the links, the addresses of other blocks. The first link of a block in a list is that of the next.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from can_train.errors import DataError, counted

_HEADER_AT: Final = 64
"""Address of the block that all others hang from."""

_LINKS_AT: Final = 24
_LINK: Final = struct.Struct("<Q")
_NEXT, _INNER, _DATA = 0, 1, 2
"""Links of a data group and a channel group: the next one, the first inside, the recorded bytes."""

_OTHER_LISTS: Final = (1, 2, 3, 4)
"""Links of the header to its history, hierarchy, attachments and events."""

_DATA_LIST: Final = b"##DL"
_CHANNEL_BLOCK: Final = b"##CN"

_RECORD: Final = struct.Struct("<8xQH6xII")
"""After the links of a channel group: its records, its flags, and bytes of a record without and
with what tells which values are invalid."""

_SQUEEZED: Final = 1032
"""Bytes that one byte of deflate can stand for, at most (zlib.net/zlib_tech.html)."""

_FINAL: Final = b"MDF     "
"""How files begin whose writer has counted what it wrote."""

_NUMBERED: Final = struct.Struct("<B")
"""After the links of a data group: bytes before each record that tell its group; 0: it has one."""

_ZIPPED: Final = struct.Struct("<8xQ")
"""Of a block of compressed bytes: how many they were."""

_PLAIN_BLOCKS: Final = (b"##DT", b"##DV")
_ZIPPED_BLOCK, _HEAD_OF_LIST = b"##DZ", b"##HL"

_VALUE: Final = struct.Struct("<B2xBII")
"""After those of a channel: its type, bit and byte at which a value begins, and its bits."""

_VARIABLE: Final = 1
"""Flag of a channel group whose records have no fixed length."""

_COMPUTED: Final = (3, 6)
"""Types of channels that have no bytes in the record."""


def require_sound(path: Path) -> None:
    """Refuses a file with a list of blocks that leads back into itself, or a channel outside.

    Names of blocks aren't looked at, since asammdf goes on without.

    Raises:
        DataError: There is one.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for link in _OTHER_LISTS:
            list(_blocks(path, data, _linked(data, _HEADER_AT, link)))
        for group in _blocks(path, data, _linked(data, _HEADER_AT, _NEXT)):
            recorded = _linked(data, group, _DATA)
            if data[recorded : recorded + len(_DATA_LIST)] == _DATA_LIST:
                list(_blocks(path, data, recorded))
            for channels in _blocks(path, data, _linked(data, group, _INNER)):
                _require_channels(path, data, channels)
            if data[: len(_FINAL)] == _FINAL and _fields(data, group, _NUMBERED) == (0,):
                _require_records(path, data, group)


def _require_channels(path: Path, data: mmap.mmap, group: int) -> None:
    """The channels of a group, and those that they consist of, lie within its record."""
    found = _fields(data, group, _RECORD)
    records, flags, *parts = found or (0, _VARIABLE)
    size = 1 if flags & _VARIABLE else max(sum(parts), 1)
    if records * size > _SQUEEZED * len(data):
        raise DataError(
            f"{path}: not a whole MF4 file (the group at {group} has "
            f"{counted(records, 'record')}, more than the file can hold). Copy it again"
        )
    lists, passed = [_linked(data, group, _INNER)], set[int]()
    while lists:
        for channel in _blocks(path, data, lists.pop()):
            if channel in passed:
                continue
            passed.add(channel)
            inner = _linked(data, channel, _INNER)
            if data[inner : inner + len(_CHANNEL_BLOCK)] == _CHANNEL_BLOCK:
                lists.append(inner)
            kind, bit, byte, bits = _fields(data, channel, _VALUE) or (_COMPUTED[0], 0, 0, 0)
            if kind in _COMPUTED or flags & _VARIABLE:
                continue
            if byte + (bit + bits + 7) // 8 > sum(parts):
                raise DataError(
                    f"{path}: not a whole MF4 file (the channel at {channel} lies outside of its "
                    "record). Copy it again"
                )


def _require_records(path: Path, data: mmap.mmap, group: int) -> None:
    """The only group of channels of a data group has as many records as its data hold."""
    channels = _linked(data, group, _INNER)
    records, flags, *parts = _fields(data, channels, _RECORD) or (0, _VARIABLE)
    held = _length(path, data, _linked(data, group, _DATA))
    if flags & _VARIABLE or held is None or not sum(parts):
        return
    if held // sum(parts) != records:
        raise DataError(
            f"{path}: not a whole MF4 file (the group at {channels} has "
            f"{counted(records, 'record')}, its data are {held // sum(parts):,}). Copy it again"
        )


def _length(path: Path, data: mmap.mmap, at: int) -> int | None:
    """Bytes of records at an address; None: what is there isn't understood."""
    kind = data[at : at + len(_DATA_LIST)]
    if not at:
        return 0
    if kind in _PLAIN_BLOCKS:
        return _number(data, at + _LINK.size) - _LINKS_AT
    if kind == _ZIPPED_BLOCK:
        return (_fields(data, at, _ZIPPED) or (None,))[0]
    if kind == _HEAD_OF_LIST:
        at = _linked(data, at, _NEXT)
    if data[at : at + len(_DATA_LIST)] != _DATA_LIST:
        return None
    total = 0
    for block in _blocks(path, data, at):
        for link in range(1, min(_number(data, block + _LINKS_AT - _LINK.size), len(data))):
            part = _linked(data, block, link)
            known = data[part : part + len(_DATA_LIST)] in (*_PLAIN_BLOCKS, _ZIPPED_BLOCK)
            found = _length(path, data, part) if known else None
            if found is None:
                return None
            total += found
    return total


def _fields(data: mmap.mmap, at: int, fields: struct.Struct) -> tuple[int, ...] | None:
    """Fields of a block behind its links; None where the file has ended before."""
    if at + _LINKS_AT > len(data):
        return None
    begin = at + _LINKS_AT + _LINK.size * _number(data, at + _LINKS_AT - _LINK.size)
    return fields.unpack_from(data, begin) if begin + fields.size <= len(data) else None


def _blocks(path: Path, data: mmap.mmap, first: int) -> Iterator[int]:
    """Addresses of the blocks of a list."""
    passed: set[int] = set()
    at = first
    while at:
        if at in passed:
            raise DataError(
                f"{path}: not a whole MF4 file (the list of blocks at {first} never ends). Copy it "
                f"again"
            )
        passed.add(at)
        yield at
        at = _linked(data, at, _NEXT)


def _linked(data: mmap.mmap, at: int, link: int) -> int:
    """Address in a link of a block; 0 where the file has ended before."""
    return _number(data, at + _LINKS_AT + _LINK.size * link)


def _number(data: mmap.mmap, at: int) -> int:
    """Of eight bytes; 0 where the file has ended before."""
    return int(_LINK.unpack_from(data, at)[0]) if at + _LINK.size <= len(data) else 0
