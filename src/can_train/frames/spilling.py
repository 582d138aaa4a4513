"""Long columns flow into files as they are read, and these become the files of stored frames.

A recording may be larger than the memory of whoever imports it, and each byte that is written costs
a page of memory that the system has to find: so a column is written once.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from can_train.files import partial_name
from can_train.frames.paging import give_back, mapping_of

_FOLDER: Final[ContextVar[Path | None]] = ContextVar("_FOLDER", default=None)

_FILES: Final[weakref.WeakKeyDictionary[mmap.mmap, Path]] = weakref.WeakKeyDictionary()
"""Files with a name, by what maps them."""


@contextlib.contextmanager
def spilling_into(folder: Path) -> Iterator[None]:
    """Columns of recordings that are read in this context lie where they will be stored."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Spill:
    """A column whose rows are added one after the other to a `.npy` file.

    The file ends with its array, or with this object where there is none, unless it was saved.

    Args:
        like: Rows of the column; only their type and width count.
    """

    def __init__(self, like: NDArray[Any]) -> None:
        self._dtype, self._width = like.dtype, like.shape[1:]
        folder = _FOLDER.get()
        self._path = None if folder is None else partial_name(folder / "column")
        self._file: IO[bytes]
        if self._path is None:
            self._file = tempfile.TemporaryFile(prefix="can-train-")
        else:
            self._file = self._path.open("x+b")
        self._end = weakref.finalize(self, _remove, os.getpid(), self._path, self._file)
        self._file.write(_header(self._dtype, (0, *self._width)))
        self._rows = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Adds rows behind those before."""
        self._file.write(rows.data)
        self._rows += len(rows)

    def whole(self) -> NDArray[Any]:
        """All rows, mapped; nothing can be added any more."""
        shape = (self._rows, *self._width)
        header = _header(self._dtype, shape)  # numpy leaves room for any number of rows
        with self._file as file:
            file.seek(0)
            file.write(header)
            file.flush()
            mapping = mmap.mmap(file.fileno(), 0)
        self._end.detach()
        if self._path is not None:
            weakref.finalize(mapping, _remove, os.getpid(), self._path)
            _FILES[mapping] = self._path
        return np.ndarray(shape, self._dtype, mapping, len(header))


def _remove(owner: int, path: Path | None, file: IO[bytes] | None = None) -> None:
    if os.getpid() != owner:  # a process that was forked has the same objects, and no file
        return
    if path is not None:
        path.unlink(missing_ok=True)
    if file is not None:
        with contextlib.suppress(OSError):  # a full disk refuses what wasn't written yet
            file.close()


def save(path: Path, array: NDArray[Any]) -> None:
    """Writes an array to a `.npy` file; one that was spilled there needs but a name.

    Args:
        path: The file, which must not be there.
        array: The array, C-contiguous; whoever changes it afterwards may change the file.
    """
    mapping = mapping_of(array)
    spilled = None if mapping is None else _FILES.get(mapping)
    if mapping is not None and spilled is not None and _is_whole(array, mapping):
        if spilled.stat().st_dev == path.parent.stat().st_dev:
            spilled.rename(path)
            del _FILES[mapping]
            give_back(array)
            return
    with path.open("xb") as file:
        file.write(_header(array.dtype, array.shape))
        file.write(array.data)
    give_back(array)


def _is_whole(array: NDArray[Any], mapping: mmap.mmap) -> bool:
    """Whether a file holds an array, its header and nothing else."""
    header = _header(array.dtype, array.shape)
    return len(header) + array.nbytes == len(mapping) and mapping[: len(header)] == header


def _header(dtype: DTypeLike, shape: tuple[int, ...]) -> bytes:
    """How a `.npy` file begins."""
    stream = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(
        stream, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()
