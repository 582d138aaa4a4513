"""Packed store: the graphs of a dataset as flat, memory-mapped arrays on disk.

A store is addressed by its content (frames, feature set, window, stride, code version),
written atomically, verified when it is first opened, and shared by every run and stage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.paging import mapped
from can_train.frames.recording import Recording
from can_train.frames.stamp import is_stamped, stamp
from can_train.graphs.columns import STORED, GraphColumns, StoredColumn, first_rows
from can_train.graphs.identity import WindowSpec, store_key
from can_train.graphs.packing import MADE, MARKS, META, Maker, pack_store


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStore(GraphColumns):
    """Graphs of B windows of several recordings, N nodes and E edges in all.

    Attributes:
        key: Content address.
        spec: How the recordings became graphs.
        recordings: The recordings, in stored order.
        node_ptr: First node of each window, and N [B + 1], int64.
        edge_ptr: First edge of each window, and E [B + 1], int64.
        recording: Index into `recordings` [B], int32.
        marks: Number that the maker of a recording gave each window, 0 for stored ones [B], int8.
    """

    key: str
    spec: WindowSpec
    recordings: tuple[Recording, ...]
    node_ptr: NDArray[np.int64]
    edge_ptr: NDArray[np.int64]
    recording: NDArray[np.int32]
    marks: NDArray[np.int8]

    @property
    def label(self) -> NDArray[np.uint8]:
        """1 where any frame of the window is an attack frame [B], uint8."""
        return (self.attack_fraction > 0).astype(np.uint8)

    @property
    def relative_position(self) -> NDArray[np.float64]:
        """Where in its recording a window begins [B], 0 to 1; for the position control only."""
        frames = np.array([r.frames for r in self.recordings], np.float64)
        return self.start / frames[self.recording]


def rows_of(ptr: NDArray[np.int64], windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of all nodes (or edges) of `windows`, window by window, without a loop.

    Args:
        ptr: First row of each window and the total [B + 1].
        windows: Indices of windows, any order, repeats allowed.
    """
    counts = ptr[windows + 1] - ptr[windows]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(ptr[windows] - ends + counts, counts) + np.arange(total, dtype=np.int64)


def open_store(
    folder: Path, recordings: Sequence[Recording], spec: WindowSpec, maker: Maker | None = None
) -> GraphStore:
    """The packed store of `recordings`, built first if it isn't there.

    Args:
        folder: Where the dataset is stored.
        recordings: Recordings of that dataset, in stored order.
        spec: How they become graphs.
        maker: Makes further recordings, which come after them.

    Raises:
        DataError: No recording is long enough for a window, or the stored arrays are damaged.
    """
    digests = [r.digest for r in recordings]
    key = store_key([*digests, *(maker.digests if maker else ())], spec)
    path = folder / "stores" / key[:16]
    written = not path.is_dir() and pack_store(folder, path, recordings, spec, maker)
    columns = _load(path, hashed=written)
    nodes, edges = columns.pop("nodes"), columns.pop("edges")
    made, marks = _load_made(path) if maker else ((), np.zeros(0, np.int8))
    return GraphStore(
        key=key,
        spec=spec,
        recordings=(*recordings, *made),
        marks=np.concatenate([np.zeros(len(columns["start"]) - len(marks), np.int8), marks]),
        node_ptr=first_rows(nodes),
        edge_ptr=first_rows(edges),
        **columns,
    )


def _load_made(path: Path) -> tuple[tuple[Recording, ...], NDArray[np.int8]]:
    try:
        rows = json.loads((path / MADE).read_text(encoding="utf-8"))
        made = tuple(Recording(**row) for row in rows)
        return made, np.load(path / MARKS, allow_pickle=False)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: not a complete packed store ({error}). Remove it and run the same command "
            "again: it is rebuilt"
        ) from error


def _load(path: Path, *, hashed: bool) -> dict[str, Any]:
    """Every column by its name, memory-mapped, after a look at every byte unless that was done.

    Args:
        path: The store.
        hashed: Whether this process has just written it, hashing every byte on the way.
    """
    remove = f"Remove {path} and run the same command again: it is rebuilt"
    known = is_stamped(path)
    try:
        meta = json.loads((path / META).read_text(encoding="utf-8"))
        for name in () if known or hashed else {*meta["counts"], *meta["sha256"]}:
            _look_at(path / name, meta["sha256"][name], remove)
        columns = {c.name: _column(path / c.name, c, int(meta["counts"][c.name])) for c in STORED}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a complete packed store ({error}). {remove}") from error
    if not known:
        stamp(path)
    return columns


def _look_at(file: Path, sha256: str, remove: str) -> None:
    """Reads every byte of a file.

    Raises:
        DataError: It isn't what was stored.
    """
    with file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            raise DataError(f"{file}: the contents were changed since they were stored. {remove}")


def _column(file: Path, column: StoredColumn, count: int) -> NDArray[Any]:
    raw = mapped(file) if file.stat().st_size else np.zeros(0, np.uint8)
    values = raw.view(column.dtype)
    return values.reshape(count, -1) if column.wide else values
