"""Writes a prepared dataset as files that other programs, and can-train itself, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from can_train.dataset.export_text import write_candump, write_parquet, write_table
from can_train.dataset.manifest import DatasetRef, load_manifest
from can_train.errors import ConfigError, DataError, counted
from can_train.frames.extras import extra
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames

_CLASSIC_BYTES: Final = 8
LABELS: Final = "labels"
"""Folder of the labels of formats that carry none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A format to write.

    Attributes:
        end: End of its file names.
        write: Writes one recording.
        labelled: Whether its files carry labels.
        time: What it can't hold of timestamps; empty: it holds them bit for bit.
    """

    end: str
    write: Callable[[Path, Frames], None]
    labelled: bool
    time: str = ""


def _write_messages(path: Path, frames: Frames) -> None:
    """Writes a file of python-can's, message by message; its clock begins with the first frame.

    Raises:
        DataError: python-can isn't installed, or frames are stamped before the first one.
    """
    can = extra("can", path, "writing this format")
    before = int(np.count_nonzero(frames.timestamp < frames.timestamp[0]))
    if before:
        raise DataError(
            f"{path}: {counted(before, 'frame')} with timestamps before the first one, from which "
            f"this format counts. Export it with --format candump"
        )
    is_fd = frames.payload.shape[1] > _CLASSIC_BYTES
    with can.Logger(path) as logger:
        for k in range(len(frames)):
            number = int(frames.arbitration_id[k])
            logger.on_message_received(
                can.Message(
                    timestamp=float(frames.timestamp[k]),
                    arbitration_id=number & ~int(EXTENDED_FLAG),
                    is_extended_id=bool(number & int(EXTENDED_FLAG)),
                    is_fd=is_fd,
                    dlc=int(frames.dlc[k]),
                    data=frames.payload[k, : frames.dlc[k]].tobytes(),
                    channel=0,
                )
            )


FORMATS: Final = {
    "candump": ExportFormat(end=".log", write=write_candump, labelled=False),
    "csv": ExportFormat(end=".csv", write=write_table, labelled=True),
    "parquet": ExportFormat(end=".parquet", write=write_parquet, labelled=True),
    "asc": ExportFormat(
        end=".asc", write=_write_messages, labelled=False,
        time="seconds since the first frame, to a microsecond",
    ),
    "blf": ExportFormat(
        end=".blf", write=_write_messages, labelled=False,
        time="dates since 1990, to a microsecond; earlier ones as seconds since the first frame",
    ),
}  # fmt: skip
"""What can be written, by its word for `--format`."""


def export_dataset(
    data_root: Path, ref: DatasetRef, format: str, out: Path, report: Callable[[str], None]
) -> list[Path]:
    """Writes every recording to `<out>/<scenario>/<name>`, and labels beside where needed.

    Args:
        data_root: Folder of all datasets.
        ref: Which dataset.
        format: One of `FORMATS`.
        out: A folder that is empty or absent.
        report: Takes a line for each file.

    Returns:
        The files of recordings.

    Raises:
        DataError: The dataset can't be read, or the format can't hold it.
        ConfigError: The folder isn't empty.
    """
    manifest = load_manifest(data_root, ref.modality, ref.dataset)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out {out}: isn't empty. Name a new folder")
    chosen, written = FORMATS[format], []
    for recording in manifest.recordings:
        frames = load_frames(ref.folder(data_root), recording)
        path = out / recording.scenario / f"{recording.name}{chosen.end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen.write(path, frames)
        if not chosen.labelled:
            _write_labels(out, recording, frames)
        report(f"wrote {path}: {counted(len(frames), 'frame')}")
        written.append(path)
    if chosen.time:
        report(f"{format} holds timestamps as {chosen.time}")
    return written


def _write_labels(out: Path, recording: Recording, frames: Frames) -> None:
    """A label for each frame, as `--labels` reads it; none where labels say nothing."""
    if recording.labels_say_nothing:
        return
    path = out / LABELS / recording.scenario / f"{recording.name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"label": np.ascontiguousarray(frames.label)}).write_csv(path)
