"""Vector binary log (BLF), decoded by python-can."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from can_train.frames.messages import Reader, read_messages
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult

_MAGIC: Final = b"LOGG"
_OBJECT: Final = b"LOBJ"
_SIZE_AT: Final = 8
_SIZE: Final = struct.Struct("<L")
_SMALLEST: Final = 16
"""Bytes of an object's head: its mark, sizes of head and object, version and type."""

_PADDING: Final = 8
"""Within so many bytes behind an object the next one begins."""


def sniff(head: Head) -> int | None:
    """0 if the file starts as BLF files do."""
    return 0 if head.start.startswith(_MAGIC) else None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: python-can isn't installed, or the file is damaged.
    """
    return read_messages(path, options, format=FORMAT.name, reader=_reader, opened="binary")


def _reader(library: ModuleType) -> Reader:
    """Python-can's reader, which would read an object of no size again and again for ever."""
    found: Any = library.io.BLFReader

    class Checked(found):  # type: ignore[misc]
        """Questions the objects of each container before they are decoded."""

        def _parse_data(self, data: bytes) -> Iterator[Any]:
            require_sizes(data)
            yield from super()._parse_data(data)

    return Checked


def require_sizes(data: bytes) -> None:
    """Questions the sizes of the objects that stand one after the other.

    Raises:
        ValueError: One is smaller than the head of an object.
    """
    at = data.find(_OBJECT, 0, _PADDING)
    while 0 <= at <= len(data) - _SIZE_AT - _SIZE.size:
        size = _SIZE.unpack_from(data, at + _SIZE_AT)[0]
        if size < _SMALLEST:
            raise ValueError(f"an object of {size} bytes")
        at = data.find(_OBJECT, at + size, at + size + _PADDING)


FORMAT: Final = Format(
    name="blf",
    title="Vector binary log (BLF), by python-can",
    extensions=(".blf",),
    sniff=sniff,
    read=read,
    order=51,
)
