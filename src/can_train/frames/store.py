"""Frames of a recording on disk: one `.npy` file per column, memory-mapped when read."""

from __future__ import annotations

import logging
import math
import re
import shutil
import threading
import tokenize
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.files import writing_folder
from can_train.frames.frame import COLUMNS, Frames
from can_train.frames.paging import mapped
from can_train.frames.recording import Recording, column_file
from can_train.frames.spilling import save
from can_train.frames.stamp import is_stamped, is_written, note_written, stamp

_LOG = logging.getLogger(__name__)
_AGAIN = "Prepare the dataset again: can-train data prepare"

_OPENING: Final = threading.Lock()
"""The header of a `.npy` file is a Python literal, and Python 3.11 can't parse two of them in two
threads at once: it now and then raises a SystemError."""

_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|]\w+)', 'fortran_order': False, "
    rb"'shape': \((\d+),(?: (\d+))?\), \} *\n",
    re.DOTALL,
)
"""How `.npy` files of one or two dimensions begin that this package writes."""

_HEADER_BYTES: Final = 128

_DAMAGE: Final = (
    OSError, ValueError, EOFError, TypeError, OverflowError, SyntaxError, tokenize.TokenError
)  # fmt: skip
"""What a spoilt header raises, whose literal numpy parses."""


def store_frames(target: Path, frames: Frames, digest: str) -> None:
    """Writes the columns to the folder `target` at once, unless they are there and whole.

    Args:
        target: Folder of the recording, named by its digest.
        frames: The frames.
        digest: Their digest.
    """
    if target.exists():
        try:
            if _load(target).digest() == digest:
                return
        except DataError:
            _LOG.info("%s is damaged and is written again", target)
        shutil.rmtree(target)
    with writing_folder(target) as folder:
        for column in COLUMNS:
            stored = np.ascontiguousarray(column.of(frames), dtype=column.dtype)
            save(column_file(folder, column.name), stored)
        written = folder.stat().st_ino
    if target.stat().st_ino == written:
        note_written(target)


def frames_dir(folder: Path, recording: Recording) -> Path:
    """Where the frames of a recording lie in the folder of its dataset."""
    return folder / "frames" / recording.digest


def load_frames(folder: Path, recording: Recording) -> Frames:
    """Frames of one stored recording, memory-mapped read-only.

    Args:
        folder: Folder of the dataset.
        recording: One of the manifest's recordings.

    Raises:
        DataError: The frames are missing or don't fit the manifest.
    """
    place = frames_dir(folder, recording)
    frames = _load(place)
    if len(frames) != recording.frames:
        raise DataError(
            f"{place}: holds {len(frames)} frames, dataset.json "
            f"says {recording.frames}. Prepare the dataset again: can-train data prepare "
            f"--modality {folder.parent.name} --dataset {folder.name} --source DIR"
        )
    return frames


def verified_frames(folder: Path, recording: Recording) -> Frames:
    """Stored frames of a recording, after a look at every byte unless that was done.

    The process that stored them had their digest then.

    Raises:
        DataError: They aren't the frames that were imported.
    """
    frames = load_frames(folder, recording)
    place = frames_dir(folder, recording)
    if is_stamped(place):
        return frames
    if not is_written(place) and frames.digest() != recording.digest:
        raise DataError(
            f"{folder}: the stored frames of {recording.name} were altered. Import the dataset "
            f"again: can-train data prepare --modality MODALITY --dataset {folder.name} "
            f"--source DIR --force"
        )
    stamp(place)
    return frames


def _load(folder: Path) -> Frames:
    columns = {}
    for column in COLUMNS:
        path = column_file(folder, column.name)
        try:
            stored = _opened(path)
        except _DAMAGE as error:
            raise DataError(f"{path}: no stored column ({error}). {_AGAIN}") from error
        if stored.dtype != np.dtype(column.dtype):
            raise DataError(f"{path}: holds {stored.dtype}, not {column.dtype}. {_AGAIN}")
        columns[column.name] = stored
    if len(set(map(len, columns.values()))) != 1 or columns["payload"].ndim != 2:
        raise DataError(f"{folder}: columns of different lengths. {_AGAIN}")
    return Frames(**columns)


def _opened(path: Path) -> NDArray[Any]:
    """The array in a `.npy` file, mapped; read by numpy where it isn't written as usual."""
    data = mapped(path)
    found = _HEADER.fullmatch(data[:_HEADER_BYTES].tobytes())
    if found is not None:
        dtype = np.dtype(found[1].decode("ascii"))
        shape = tuple(int(size) for size in found.groups()[1:] if size is not None)
        end = _HEADER_BYTES + math.prod(shape) * dtype.itemsize
        if end <= len(data):
            return data[_HEADER_BYTES:end].view(dtype).reshape(shape)
    with _OPENING:
        stored: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return stored
