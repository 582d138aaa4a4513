"""Reads a recording of any known format, recognised by its content."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.data.readers.parquet import read_parquet
from can_train.data.readers.result import ReadResult

FORMATS: Final = ("parquet",)


def read_recording(path: Path, *, format: str | None = None, lenient: bool = False) -> ReadResult:
    """Reads one recording.

    Args:
        path: The file.
        format: One of `FORMATS`; absent: recognised by content.
        lenient: Leave malformed lines out and count them.

    Raises:
        DataError: The file isn't a recording of a known format, or is malformed.
    """
    return read_parquet(path)
