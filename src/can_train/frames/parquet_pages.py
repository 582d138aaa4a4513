"""What polars takes on trust in a parquet file, and ends the process over where it is damaged.

A page that says it holds a negative number of values makes it ask for more memory than there is.

Metadata are Thrift structs in the compact protocol (github.com/apache/thrift,
doc/specs/thrift-compact-protocol.md; fields: github.com/apache/parquet-format, parquet.thrift): the
file's before its last eight bytes, a page's before the page.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from enum import IntEnum, unique
from pathlib import Path
from typing import Final

from can_train.errors import DataError

Struct = dict[int, "Value"]
"""By the number of the field; numbers, structs and lists of them: what else there is stays None."""

Value = int | Struct | list["Value"] | None

_TAIL: Final = struct.Struct("<I4s")
"""Length of the file's metadata, and the magic word."""

_ROW_GROUPS, _COLUMNS, _OF_COLUMN = 4, 1, 3
_BYTES, _DATA_PAGE, _DICTIONARY_PAGE = 7, 9, 11
"""Of a column in a row group: length of all its pages, and where the first of either kind is."""

_SIZE: Final = 3
"""Of a page: bytes that follow its header."""

_HEADERS: Final = (5, 7, 8)
"""Of a page: what it says of itself as one of data, of a dictionary, or of data of version 2."""

_COUNTS: Final = (1, 2, 3)
"""Of the last: values, nulls, rows; of the others the first are the values."""

_DEEPEST: Final = 32
"""Parquet's own structs lie less deep in each other."""


@unique
class _Kind(IntEnum):
    """What a field holds; the numbers are the protocol's. Maps aren't among parquet's."""

    TRUE = 1
    FALSE = 2
    BYTE = 3
    SHORT = 4
    INT = 5
    LONG = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    STRUCT = 12


def require_countable(path: Path) -> None:
    """Refuses a file with a page that says it holds fewer than no values.

    What can't be followed isn't looked at: polars tells what is wrong with it.

    Raises:
        DataError: There is one.
    """
    if path.stat().st_size < _TAIL.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for at, header in _pages(data):
            for count in _counts(header):
                if count < 0:
                    raise DataError(
                        f"{path}: not a whole parquet file (the page at {at} holds {count} "
                        f"values). Copy it again"
                    )


def _counts(header: Struct) -> Iterator[int]:
    """What a page says of how much it holds."""
    for kind in _HEADERS:
        said = header.get(kind)
        for name in _COUNTS if kind == _HEADERS[-1] else _COUNTS[:1]:
            count = said.get(name) if isinstance(said, dict) else None
            if isinstance(count, int):
                yield count


def _pages(data: mmap.mmap) -> Iterator[tuple[int, Struct]]:
    """Address and header of every page that can be found."""
    try:
        length, _ = _TAIL.unpack_from(data, len(data) - _TAIL.size)
        begin = len(data) - _TAIL.size - length
        whole = _Reader(data, begin).struct() if begin > 0 else {}
        groups = _structs(whole.get(_ROW_GROUPS))
        columns = [each.get(_OF_COLUMN) for g in groups for each in _structs(g.get(_COLUMNS))]
    except (IndexError, struct.error, RecursionError):
        return
    for column in _structs(columns):
        starts = [
            at for name in (_DATA_PAGE, _DICTIONARY_PAGE) if isinstance(at := column.get(name), int)
        ]
        size = column.get(_BYTES)
        if starts and isinstance(size, int):
            yield from _pages_from(data, min(starts), min(starts) + size)


def _pages_from(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, Struct]]:
    while 0 < at < min(end, len(data)):
        reader = _Reader(data, at)
        try:
            header = reader.struct()
        except (IndexError, RecursionError):
            return
        yield at, header
        size = header.get(_SIZE)
        if not isinstance(size, int) or size < 0:
            return
        at = reader.at + size


def _structs(found: Value) -> list[Struct]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class _Reader:
    """Reads structs from an address on."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data, self.at, self._depth = data, at, 0

    def struct(self) -> Struct:
        """The next one.

        Raises:
            IndexError: The file ends before.
            RecursionError: It is nested too deeply to be one.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError
        found, field = Struct(), 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            kind = head & 0x0F
            # A field of a truth value holds it in its kind, an element of a list in a byte.
            found[field] = None if kind in (_Kind.TRUE, _Kind.FALSE) else self._value(kind)
        self._depth -= 1
        return found

    def _value(self, kind: int) -> Value:
        if kind == _Kind.STRUCT:
            return self.struct()
        if kind in (_Kind.LIST, _Kind.SET):
            return self._list()
        if kind in (_Kind.SHORT, _Kind.INT, _Kind.LONG):
            return self._signed()
        if kind in (_Kind.TRUE, _Kind.FALSE, _Kind.BYTE):
            self._skip(1)
        elif kind == _Kind.DOUBLE:
            self._skip(8)
        elif kind == _Kind.BINARY:
            self._skip(self._number())
        else:
            raise IndexError
        return None

    def _list(self) -> list[Value]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._number()
        if count > len(self._data):
            raise IndexError
        return [self._value(head & 0x0F) for _ in range(count)]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        self._skip(1)
        return self._data[self.at - 1]

    def _number(self) -> int:
        found, shift = 0, 0
        while True:
            byte = self._byte()
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7
            if shift > 63:
                raise IndexError

    def _signed(self) -> int:
        number = self._number()
        return (number >> 1) ^ -(number & 1)
