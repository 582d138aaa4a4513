"""The lists of blocks in an MF4 file have to end: asammdf follows a damaged one round and round.

A block (ASAM MDF 4.1, 5.2) is its name, its length and the number of its links in 24 bytes, then
the links, the addresses of other blocks. The first link of a block in a list is that of the next.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from can_train.errors import DataError

_HEADER_AT: Final = 64
"""Address of the block that all others hang from."""

_LINKS_AT: Final = 24
_LINK: Final = struct.Struct("<Q")
_NEXT, _INNER, _DATA = 0, 1, 2
"""Links of a data group and a channel group: the next one, the first inside, the recorded bytes."""

_OTHER_LISTS: Final = (1, 2, 3, 4)
"""Links of the header to its history, hierarchy, attachments and events."""

_DATA_LIST: Final = b"##DL"


def require_ends(path: Path) -> None:
    """Refuses a file with a list of blocks that leads back into itself.

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
                list(_blocks(path, data, _linked(data, channels, _INNER)))


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
    begin = at + _LINKS_AT + _LINK.size * link
    return int(_LINK.unpack_from(data, begin)[0]) if begin + _LINK.size <= len(data) else 0
