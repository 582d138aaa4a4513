"""Frames of a recording on disk: one `.npy` file per column, memory-mapped when read."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import Final

import numpy as np

from can_train.dataset.manifest import Recording
from can_train.errors import DataError
from can_train.frames.frame import Frames

_LOG = logging.getLogger(__name__)

PARTIAL: Final = ".partial-"
"""Prefix of what is still being written; leavings of a killed import bear it."""

_COLUMNS: Final[dict[str, str]] = {
    "timestamp": "<f8",
    "arbitration_id": "<u4",
    "dlc": "|u1",
    "payload": "|u1",
    "label": "|u1",
}


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
    partial = target.with_name(PARTIAL + uuid.uuid4().hex)
    partial.mkdir(parents=True)
    for name, dtype in _COLUMNS.items():
        column = {
            "timestamp": frames.timestamp,
            "arbitration_id": frames.arbitration_id,
            "dlc": frames.dlc,
            "payload": frames.payload,
            "label": frames.label,
        }[name]
        with (partial / f"{name}.npy").open("wb") as file:
            np.save(file, np.ascontiguousarray(column, dtype=dtype))
            file.flush()
            os.fsync(file.fileno())
    partial.rename(target)


def load_frames(folder: Path, recording: Recording) -> Frames:
    """Frames of one stored recording, memory-mapped read-only.

    Args:
        folder: Folder of the dataset.
        recording: One of the manifest's recordings.

    Raises:
        DataError: The frames are missing or don't fit the manifest.
    """
    frames = _load(folder / "frames" / recording.digest)
    if len(frames) != recording.frames:
        raise DataError(
            f"{folder / 'frames' / recording.digest}: holds {len(frames)} frames, dataset.json "
            f"says {recording.frames}. Prepare the dataset again: can-train data prepare "
            f"--modality {folder.parent.name} --dataset {folder.name} --source DIR"
        )
    return frames


def _load(folder: Path) -> Frames:
    again = "Prepare the dataset again: can-train data prepare"
    columns = {}
    for name, dtype in _COLUMNS.items():
        path = folder / f"{name}.npy"
        try:
            columns[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: no stored column ({error}). {again}") from error
        if columns[name].dtype != np.dtype(dtype):
            raise DataError(f"{path}: holds {columns[name].dtype}, not {dtype}. {again}")
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or columns["payload"].ndim != 2:
        raise DataError(f"{folder}: columns of different lengths. {again}")
    return Frames(**columns)
