"""Large arrays that lie in files, and whose pages are given back once they were looked at.

A recording may be larger than the memory of whoever imports it. What is mapped counts as his memory
from the first look until it is unmapped or given back; what was written stays in the file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES: Final = 1 << 25
"""Bytes between two times of giving back."""

Array = TypeVar("Array", bound=NDArray[Any])


def mapped(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file that isn't empty, read when they are looked at."""
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.ndarray(len(content), np.uint8, content)


def give_back(array: NDArray[Any]) -> None:
    """Gives back the memory of an array that lies in a file; others are left as they are."""
    mapping = mapping_of(array)
    if mapping is not None:
        mapping.madvise(mmap.MADV_DONTNEED)


def mapping_of(array: NDArray[Any]) -> mmap.mmap | None:
    """The mapped file in which an array lies, if it lies in one."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def in_pieces(array: Array) -> Iterator[Array]:
    """The rows of an array, some at a time; the memory of those before is given back."""
    rows = max(1, PIECE_BYTES // max(1, array[:1].nbytes))
    for begin in range(0, len(array), rows):
        yield array[begin : begin + rows]  # type: ignore[misc]
        give_back(array)
