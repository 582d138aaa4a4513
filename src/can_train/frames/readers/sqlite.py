"""SQLite database that python-can writes, decoded by it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.frames.messages import read_messages
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult

_MAGIC: Final = b"SQLite format 3\0"


def sniff(head: Head) -> int | None:
    """0 if the file starts as SQLite databases do."""
    return 0 if head.start.startswith(_MAGIC) else None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: python-can isn't installed, or the file is damaged.
    """
    return read_messages(path, options, format=FORMAT.name, reader="SqliteReader", opened="path")


FORMAT: Final = Format(
    name="sqlite",
    title="SQLite database of python-can",
    extensions=(".db",),
    sniff=sniff,
    read=read,
    order=53,
)
