"""What polars takes on trust in a parquet file, and ends the process over where it is damaged.

A page that says it holds a negative number of values makes it ask for more memory than there is;
what its metadata have too much it passes over until it comes to such a page.

Metadata are Thrift structs in the compact protocol (github.com/apache/thrift,
doc/specs/thrift-compact-protocol.md; fields: github.com/apache/parquet-format, parquet.thrift): the
file's before its last eight bytes, a page's before the page.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum, unique
from pathlib import Path
from typing import Final

from can_train.errors import DataError

Struct = dict[int, "Value"]
"""By the number of the field; numbers, structs and lists of them: what else there is stays None."""

Value = int | Struct | list["Value"] | None

MAGIC: Final = b"PAR1"
_TAIL: Final = struct.Struct("<I4s")
"""Length of the file's metadata, and the magic word."""

_OF_FILE: Final = (1, 2, 3, 4)
_OF_GROUP: Final = (1, 2, 3)
_OF_METADATA: Final = (1, 2, 3, 4, 5, 6, 7, 9)
"""What a file, a group of rows and a column in it must say."""

_ROWS_OF_FILE, _ROW_GROUPS, _ROWS, _COLUMNS, _OF_COLUMN = 3, 4, 3, 1, 3
_VALUES, _FIRST_PAGES = 5, (9, 11)
"""Of a column in a group of rows: how many values, and where its pages of either kind begin."""

_SIZE: Final = 3
"""Of a page: bytes that follow its header."""

_HEADERS: Final = (5, 7, 8)
"""Of a page: what it says of itself as one of data, of a dictionary, or of data of version 2."""

_OF_DICTIONARY: Final = 7
_COUNTS: Final = (1, 2, 3)
"""Values first; of data of version 2 nulls and rows, of others what can't be negative either."""

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
    """Refuses a file whose pages can't be followed, or don't hold as many values as it says.

    Raises:
        DataError: There is one.
    """
    size = path.stat().st_size
    if size < _TAIL.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        length, magic = _TAIL.unpack_from(data, size - _TAIL.size)
        if magic != MAGIC or length > size - _TAIL.size:
            return  # polars says so
        try:
            for column in _columns(_metadata(data, size - _TAIL.size - length)):
                _require_values(data, column)
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}: not a whole parquet file ({error}). Copy it again") from None


def _metadata(data: mmap.mmap, at: int) -> Struct:
    """The file's metadata, which end where its tail begins."""
    reader = _Reader(data, at)
    whole = reader.struct()
    if reader.at != len(data) - _TAIL.size:
        raise ValueError(f"its metadata end at {reader.at}")
    return whole


def _columns(whole: Struct) -> Iterator[Struct]:
    """Metadata of the columns of all groups of rows.

    Raises:
        ValueError: Some of what each must have isn't there.
    """
    groups, rows = _structs(_complete(whole, _OF_FILE).get(_ROW_GROUPS)), whole.get(_ROWS_OF_FILE)
    if sum(_whole(_complete(group, _OF_GROUP).get(_ROWS)) for group in groups) != rows:
        raise ValueError(f"its groups don't hold its {rows} rows")
    for group in groups:
        for each in _structs(group.get(_COLUMNS)):
            column = each.get(_OF_COLUMN)
            if isinstance(column, dict):
                yield _complete(column, _OF_METADATA)


def _complete(found: Struct, wanted: Iterable[int]) -> Struct:
    missing = [str(name) for name in wanted if found.get(name) is None]
    if missing:
        raise ValueError(f"its metadata have no field {', '.join(missing)}")
    return found


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _require_values(data: mmap.mmap, column: Struct) -> None:
    """The pages of a column in a group of rows hold as many values as it has.

    Raises:
        ValueError: They don't, or one of fewer than none.
    """
    values = column.get(_VALUES)
    starts = [at for name in _FIRST_PAGES if isinstance(at := column.get(name), int) and at > 0]
    at, missing = min(starts, default=0), values if isinstance(values, int) else 0
    while missing > 0:
        reader = _Reader(data, at)
        header = reader.struct()
        for kind, said in ((kind, header.get(kind)) for kind in _HEADERS):
            counts = [said.get(name) for name in _COUNTS] if isinstance(said, dict) else []
            if any(isinstance(count, int) and count < 0 for count in counts):
                raise ValueError(f"the page at {at} holds {counts[0]} values")
            if kind != _OF_DICTIONARY and counts and isinstance(counts[0], int):
                missing -= counts[0]
        size = header.get(_SIZE)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"the page at {at} has no size")
        at = reader.at + size
    if missing < 0:
        raise ValueError(f"the pages before {at} hold {-missing} values too many")


def _structs(found: Value) -> list[Struct]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class _Reader:
    """Reads structs from an address on."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data, self.at, self._depth = data, at, 0

    def struct(self) -> Struct:
        """The next one.

        Raises:
            IndexError: The file ends before, or it is none.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._none()
        found, field = Struct(), 0
        while (head := self._byte()) & 0x0F:
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
            raise self._none()
        return None

    def _none(self) -> IndexError:
        return IndexError(f"there are no metadata at {self.at}")

    def _list(self) -> list[Value]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._number()
        if count > len(self._data):
            raise self._none()
        return [self._value(head & 0x0F) for _ in range(count)]

    def _skip(self, count: int) -> None:
        self.at += count
        if not 0 < self.at <= len(self._data):
            raise self._none()

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
                raise self._none()

    def _signed(self) -> int:
        number = self._number()
        return (number >> 1) ^ -(number & 1)
