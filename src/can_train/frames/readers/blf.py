"""Vector binary log (BLF), decoded by python-can."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.frames.messages import read_messages
from can_train.frames.readers.registry import Format, Head, ReadOptions
from can_train.frames.result import ReadResult

_MAGIC: Final = b"LOGG"


def sniff(head: Head) -> int | None:
    """0 if the file starts as BLF files do."""
    return 0 if head.start.startswith(_MAGIC) else None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: python-can isn't installed, or the file is damaged.
    """
    return read_messages(path, options, format=FORMAT.name, reader="BLFReader", opened="binary")


FORMAT: Final = Format(
    name="blf",
    title="Vector binary log (BLF), by python-can",
    extensions=(".blf",),
    sniff=sniff,
    read=read,
    order=51,
)
