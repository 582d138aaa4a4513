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

from can_train.errors import DataError, counted

Struct = dict[int, "Value"]
"""By the number of the field: numbers, bytes, structs, and lists of them; truth values are None."""

Value = int | bytes | Struct | list["Value"] | None

MAGIC: Final = b"PAR1"
_TAIL: Final = struct.Struct("<I4s")
"""Length of the file's metadata, and the magic word."""

_OF_FILE: Final = (1, 2, 3, 4)
_OF_GROUP: Final = (1, 2, 3)
_OF_COLUMN: Final = (1, 2, 3, 4, 5, 6, 7, 9)
"""What a file, a group of rows and a column in it must say."""

_ROWS_OF_FILE, _GROUPS, _SIGNED, _ROWS, _COLUMNS, _METADATA, _ENCRYPTED = 3, 4, 8, 3, 1, 3, 8
_SIGNATURE: Final = 28
"""Bytes behind the metadata of a file with `_SIGNED`: some of its columns are encrypted."""

_PATH, _VALUES, _BYTES, _FIRST_PAGES = 3, 5, 7, (9, 11)
"""Of a column in a group of rows: its name, values and bytes, where its pages of a kind begin."""

_SIZE: Final = 3
"""Of a page: bytes that follow its header."""

_HEADERS: Final = (5, 7, 8)
"""Of a page: what it says of itself as one of data, of a dictionary, or of data of version 2."""

_OF_DICTIONARY: Final = 7
_COUNTS: Final = (1, 2, 3)
"""Values first; of data of version 2 nulls and rows, of others what can't be negative either."""

_LONGEST_HEADER: Final = 1 << 20
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
    """Refuses a file whose columns don't have the values that it says, page by page.

    All of them: which one polars takes for which it tells by their order, not by what they are
    called.

    Raises:
        DataError: They don't, or the metadata can't be followed.
    """
    size = path.stat().st_size
    if size < _TAIL.size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        length, magic = _TAIL.unpack_from(data, size - _TAIL.size)
        if magic != MAGIC or length > size - _TAIL.size:
            return  # polars says so
        try:
            whole = _metadata(data, size - _TAIL.size - length)
            for rows, column in _columns(whole):
                _require_values(data, column, rows)
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}: not a whole parquet file ({error}). Copy it again") from None


def _metadata(data: mmap.mmap, at: int) -> Struct:
    """The file's metadata, which end where its tail begins, or a signature before that."""
    end = len(data) - _TAIL.size
    reader = _Reader(data, at, end)
    whole = reader.struct()
    if reader.at + (_SIGNATURE if _SIGNED in whole else 0) != end:
        raise ValueError(f"its metadata end at {reader.at}")
    return whole


def _columns(whole: Struct) -> Iterator[tuple[int, Struct]]:
    """Metadata of the columns of every group of rows, and its rows; none of encrypted columns.

    Raises:
        ValueError: Some of what each must have isn't there.
    """
    groups, rows = _structs(_complete(whole, _OF_FILE).get(_GROUPS)), whole.get(_ROWS_OF_FILE)
    if sum(_whole(_complete(group, _OF_GROUP).get(_ROWS)) for group in groups) != rows:
        raise ValueError("its groups of rows don't hold as many as it has")
    for group in groups:
        for each in _structs(group.get(_COLUMNS)):
            if _SIGNED in whole and isinstance(each.get(_ENCRYPTED), dict):
                continue
            column = each.get(_METADATA)
            if not isinstance(column, dict):
                raise ValueError("a column has no metadata")
            yield _whole(group.get(_ROWS)), _complete(column, _OF_COLUMN)


def _require_values(data: mmap.mmap, column: Struct, rows: int) -> None:
    """The pages of a column in a group of rows hold all its values, one for each if it is flat.

    Raises:
        ValueError: They don't, or one holds fewer than none.
    """
    starts = [at for name in _FIRST_PAGES if 0 < (at := _whole(column.get(name)))]
    at = min(starts, default=0)
    end = min(at + _whole(column.get(_BYTES)), len(data))
    missing, path = _whole(column.get(_VALUES)), column.get(_PATH)
    is_flat = isinstance(path, list) and len(path) == 1
    if missing < 0 or (is_flat and missing != rows):
        raise ValueError(f"a column before {end} has not as many values as its group has rows")
    while missing > 0:
        reader = _Reader(data, at, min(end, at + _LONGEST_HEADER))
        header = reader.struct()
        for kind, said in ((kind, header.get(kind)) for kind in _HEADERS):
            counts = [said.get(name) for name in _COUNTS] if isinstance(said, dict) else []
            if any(isinstance(count, int) and count < 0 for count in counts):
                raise ValueError(f"the page at {at} holds less than nothing")
            if kind != _OF_DICTIONARY and counts:
                missing -= _whole(counts[0])
        size = header.get(_SIZE)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"the page at {at} has no size")
        at = reader.at + size
    if missing:
        raise ValueError(f"the pages before {at} hold {counted(-missing, 'value')} too many")


def _complete(found: Struct, wanted: Iterable[int]) -> Struct:
    missing = [str(name) for name in wanted if found.get(name) is None]
    if missing:
        raise ValueError(f"its metadata have no field {', '.join(missing)}")
    return found


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _structs(found: Value) -> list[Struct]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


class _Reader:
    """Reads structs from an address on.

    Args:
        data: The file.
        at: Where the next one begins.
        end: What lies behind isn't read.
    """

    def __init__(self, data: mmap.mmap, at: int, end: int) -> None:
        self._data, self.at, self._end, self._depth = data, at, end, 0

    def struct(self) -> Struct:
        """The next one.

        Raises:
            IndexError: The bytes end before, or it is none.
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
        if kind == _Kind.BINARY:
            return self._bytes(self._number())
        if kind in (_Kind.TRUE, _Kind.FALSE, _Kind.BYTE):
            self._byte()
        elif kind == _Kind.DOUBLE:
            self._bytes(8)
        else:
            raise self._none()
        return None

    def _list(self) -> list[Value]:
        head = self._byte()
        count, kind = head >> 4 if head >> 4 < 15 else self._number(), head & 0x0F
        # Each takes a byte at least, and no list of parquet's holds lists.
        if count > self._end - self.at or kind in (_Kind.LIST, _Kind.SET):
            raise self._none()
        return [self._value(kind) for _ in range(count)]

    def _bytes(self, count: int) -> bytes:
        begin = self.at
        self.at += count
        if not 0 < self.at <= self._end:
            raise self._none()
        return self._data[begin : self.at]

    def _byte(self) -> int:
        return self._bytes(1)[0]

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

    def _none(self) -> IndexError:
        return IndexError(f"there are no metadata at {self.at}")
