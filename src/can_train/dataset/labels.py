"""Puts labels that stand in a file of their own onto the frames of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.discovery import SourceFile
from can_train.dataset.label_tables import ROAD_METADATA, LabelRow, read_label_table, read_road
from can_train.errors import DataError, counted
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.result import ReadResult

ROAD: Final = "road"
"""`--labels road`: the metadata that lies beside each recording."""

_TABLE_ENDS: Final = (".csv", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledResult:
    """A recording with the labels of a table, and what is to be told of it.

    Attributes:
        result: The recording.
        kind: Kind of attack that the table names; empty: it names none.
        note: What was labelled; empty: the table says nothing about this recording.
    """

    result: ReadResult
    kind: str = ""
    note: str = ""


class Labels:
    """Labels of the recordings of one import.

    Args:
        wanted: Table of labels, folder of tables that are called like the recordings, or `road`;
            None: recordings bring their own.
        files: All recordings of the import.

    Raises:
        DataError: The table can't be read, or doesn't say which recording it is about.
    """

    def __init__(self, wanted: str | None, files: Sequence[SourceFile]) -> None:
        self._rows: dict[Path, tuple[LabelRow, ...]] = {}
        if wanted is None:
            return
        if wanted == ROAD:
            self._rows = _road_rows(files)
        elif Path(wanted).is_dir():
            self._rows = _rows_of_folder(Path(wanted), files)
        else:
            self._rows = _rows_of_table(Path(wanted), files)
        if not self._rows:
            raise DataError(f"--labels {wanted}: about none of {counted(len(files), 'recording')}")

    def put_on(self, file: SourceFile, read: ReadResult) -> LabelledResult:
        """The recording with its labels.

        Raises:
            DataError: A row labels nothing, or the recording has other labels of its own.
        """
        rows = self._rows.get(file.path)
        if rows is None:
            return LabelledResult(result=read)
        label, how = _label_of(read.frames, rows, file.path)
        if read.labelled and read.frames.label.any():
            _require_same(file.path, read.frames.label, label)
        kinds = sorted({row.kind for row in rows if row.kind})
        count = int(np.count_nonzero(label))
        return LabelledResult(
            result=replace(read, frames=replace(read.frames, label=label), labelled=True),
            kind="+".join(kinds),
            note=f"{file.path}: {counted(count, 'attack frame')} by {how} of --labels",
        )


def is_label_file(path: Path, wanted: str | None) -> bool:
    """Whether a file beside recordings holds the labels that `--labels` names."""
    if wanted is None:
        return False
    if wanted == ROAD:
        return path.name == ROAD_METADATA
    return path.resolve() == Path(wanted).resolve()


def _road_rows(files: Sequence[SourceFile]) -> dict[Path, tuple[LabelRow, ...]]:
    known: dict[Path, dict[str, LabelRow]] = {}
    rows: dict[Path, tuple[LabelRow, ...]] = {}
    for file in files:
        metadata = file.path.parent / ROAD_METADATA
        if not metadata.is_file():
            continue
        if metadata not in known:
            known[metadata] = read_road(metadata)
        row = known[metadata].get(file.path.stem)
        if row is not None:
            rows[file.path] = (row,)
    return rows


def _inner(file: SourceFile) -> str:
    """Where a recording lies in its source, without the end of its name."""
    return file.source.removesuffix(file.path.suffix)


def _rows_of_folder(folder: Path, files: Sequence[SourceFile]) -> dict[Path, tuple[LabelRow, ...]]:
    tables = {
        file.path: table
        for file in files
        for end in _TABLE_ENDS
        for table in (folder / f"{file.path.stem}{end}", folder / f"{_inner(file)}{end}")
        if table.is_file()
    }
    return {path: read_label_table(table) for path, table in tables.items()}


def _rows_of_table(path: Path, files: Sequence[SourceFile]) -> dict[Path, tuple[LabelRow, ...]]:
    rows = read_label_table(path)
    if not any(row.file for row in rows):
        labelled = [file for file in files if file.labels == "needed"] or list(files)
        if len(labelled) != 1:
            raise DataError(
                f"--labels {path}: the table doesn't say which of "
                f"{counted(len(labelled), 'recording')} it is about. Add a column file, or name a "
                "folder with a table for each"
            )
        return {labelled[0].path: rows}
    found = {file.path: tuple(row for row in rows if _is_about(row, file)) for file in files}
    lost = {row.file for row in rows} - {row.file for own in found.values() for row in own}
    if lost:
        raise DataError(
            f"--labels {path}: no recording is called {', '.join(sorted(lost))}. There are: "
            f"{', '.join(sorted(file.name for file in files))}"
        )
    return {file: own for file, own in found.items() if own}


def _is_about(row: LabelRow, file: SourceFile) -> bool:
    return row.file in {file.name, file.source, file.path.name, file.path.stem}


def _label_of(
    frames: Frames, rows: Sequence[LabelRow], path: Path
) -> tuple[NDArray[np.uint8], str]:
    """Labels [N] of a recording, and how they were found."""
    if rows[0].label is not None:
        return _per_frame(frames, rows, path), counted(len(rows), "row")
    label = np.zeros(len(frames), np.uint8)
    if rows[0].frame is not None:
        label[[_frame_number(row, len(frames)) for row in rows]] = 1
        return label, counted(len(rows), "frame number")
    since_first = _count_from_first(frames, rows)
    zero_s = float(frames.timestamp[0]) if since_first else 0.0
    order = np.argsort(frames.timestamp, kind="stable")
    ordered = frames.timestamp[order]
    for row in rows:
        bounds = [zero_s + _given(row.start_s, row), zero_s + _given(row.end_s, row)]
        first = np.searchsorted(ordered, bounds[0], side="left")
        stop = np.searchsorted(ordered, bounds[1], side="right")
        hit = _matching(frames, order[first:stop], row)
        if not len(hit):
            raise DataError(
                f"--labels {row.where}: no frame of {path} lies there, so its label would be lost. "
                f"The recording goes from {ordered[0]:.6f} to {ordered[-1]:.6f} s"
            )
        label[hit] = 1
    clock = "counted from the first frame" if since_first else "on the recording's clock"
    return label, f"{counted(len(rows), 'interval')} {clock}"


def _given(value: float | None, row: LabelRow) -> float:
    if value is None:
        raise DataError(f"--labels {row.where}: mixes intervals and frames. Use one kind of row")
    return value


def _count_from_first(frames: Frames, rows: Sequence[LabelRow]) -> bool:
    """Whether intervals count from the first frame: those that all lie in the recording don't."""
    if rows[0].from_first_frame:
        return True
    low, high = float(frames.timestamp.min()), float(frames.timestamp.max())
    return not all(_given(r.start_s, r) <= high and _given(r.end_s, r) >= low for r in rows)


def _matching(frames: Frames, among: NDArray[np.int64], row: LabelRow) -> NDArray[np.int64]:
    """Which frames `among` carry the row's ID and payload."""
    if row.arbitration_id is not None:
        bare = frames.arbitration_id[among] & ~EXTENDED_FLAG
        among = among[bare == row.arbitration_id]
    width = min(len(row.pattern) // 2, frames.payload.shape[1])
    for byte in range(width):
        for digit, shift in zip(row.pattern[2 * byte : 2 * byte + 2], (4, 0), strict=True):
            if digit.upper() != "X":
                nibble = (frames.payload[among, byte] >> shift) & 0xF
                among = among[nibble == int(digit, 16)]
    return among


def _per_frame(frames: Frames, rows: Sequence[LabelRow], path: Path) -> NDArray[np.uint8]:
    if len(rows) != len(frames):
        labels, held = counted(len(rows), "label"), counted(len(frames), "frame")
        raise DataError(
            f"--labels {rows[0].where}: {labels} for {held} of {path}. A table of "
            "labels needs a row for each frame"
        )
    return np.array([row.label for row in rows], np.uint8)


def _frame_number(row: LabelRow, count: int) -> int:
    if row.frame is None or not 0 <= row.frame < count:
        raise DataError(f"--labels {row.where}: frame {row.frame} isn't among 0 to {count - 1}")
    return row.frame


def _require_same(path: Path, own: NDArray[np.uint8], table: NDArray[np.uint8]) -> None:
    differing = int(np.count_nonzero(own != table))
    if differing:
        raise DataError(
            f"{path}: its own labels and those of --labels differ in "
            f"{counted(differing, 'frame')}. Leave --labels away, or take the labels out of the "
            "recording"
        )
