"""Packed store: the graphs of a dataset as flat, memory-mapped arrays on disk.

A store is addressed by its content (frames, feature set, window, stride, code version),
written atomically, verified when opened, and shared by every run and stage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.files import writing_folder
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import (
    STORED,
    GraphColumns,
    PackedGraphs,
    StoredColumn,
    first_rows,
)
from can_train.graphs.identity import WindowSpec, store_key

_META: Final = "meta.json"
_MADE: Final = "made.json"
_MARKS: Final = "marks.npy"


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MadeRecording:
    """A recording that isn't stored as frames.

    Attributes:
        recording: What it is; its digest is one of the maker's.
        frames: Its frames.
        marks: A number that its maker gives each window, from the windows' first frames [B].
    """

    recording: Recording
    frames: Frames
    marks: Callable[[NDArray[np.int64]], NDArray[np.int8]]


class Maker(Protocol):
    """Makes recordings that are stored as graphs alone."""

    @property
    def digests(self) -> Sequence[str]:
        """What decides each of them."""

    def recordings(self) -> Iterator[MadeRecording]:
        """All of them, in this order."""


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
    if not path.is_dir():
        _build(folder, path, recordings, spec, maker)
    columns = _load(path)
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


def verified_frames(folder: Path, recording: Recording) -> Frames:
    """Stored frames of a recording, after a look at every byte.

    Raises:
        DataError: They aren't the frames that were imported.
    """
    frames = load_frames(folder, recording)
    if frames.digest() != recording.digest:
        raise DataError(
            f"{folder}: the stored frames of {recording.name} were altered. Import the dataset "
            f"again: can-train data prepare --modality MODALITY --dataset {folder.name} "
            f"--source DIR --force"
        )
    return frames


def _build(
    folder: Path,
    path: Path,
    recordings: Sequence[Recording],
    spec: WindowSpec,
    maker: Maker | None,
) -> None:
    """Writes the store beside `path` and renames it; the first of several builders wins."""
    try:
        with writing_folder(path) as partial:
            with _Writer(partial) as writer:
                for number, recording in enumerate(recordings):
                    _pack(verified_frames(folder, recording), spec, writer, number)
                if maker is not None:
                    _pack_made(maker, spec, writer, partial, len(recordings))
            if not writer.windows:
                raise DataError(
                    f"{folder}: no recording holds a full window of {spec.window} frames. "
                    f"Use a smaller --window (at least 2)"
                )
            (partial / _META).write_text(writer.meta(), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: can't be stored ({error.strerror})") from error


def _pack(frames: Frames, spec: WindowSpec, writer: _Writer, number: int) -> NDArray[np.int64]:
    """Writes the graphs of one recording and gives the first frame of each [B]."""
    builder = GraphBuilder(spec, words=frames.payload.shape[1] // 8)
    starts = [np.zeros(0, np.int64)]
    for graphs in builder.build(frames):
        writer.add(graphs, number)
        starts.append(graphs.start)
    return np.concatenate(starts)


def _pack_made(maker: Maker, spec: WindowSpec, writer: _Writer, folder: Path, first: int) -> None:
    """Writes what the maker makes, and beside the columns what it is."""
    rows, marks = [], [np.zeros(0, np.int8)]
    for number, made in enumerate(maker.recordings(), start=first):
        marks.append(made.marks(_pack(made.frames, spec, writer, number)))
        rows.append(asdict(made.recording))
    (folder / _MADE).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    np.save(folder / _MARKS, np.concatenate(marks).astype(np.int8))


def _load_made(path: Path) -> tuple[tuple[Recording, ...], NDArray[np.int8]]:
    try:
        rows = json.loads((path / _MADE).read_text(encoding="utf-8"))
        made = tuple(Recording(**row) for row in rows)
        return made, np.load(path / _MARKS, allow_pickle=False)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: not a complete packed store ({error}). Remove it and run the same command "
            "again: it is rebuilt"
        ) from error


class _Writer:
    """Appends chunks of graphs to one raw file per column, hashing on the way."""

    def __init__(self, folder: Path) -> None:
        self._files = {column.name: (folder / column.name).open("wb") for column in STORED}
        self._hashes = {column.name: hashlib.sha256() for column in STORED}
        self._counts = {column.name: 0 for column in STORED}
        self.windows = 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, graphs: PackedGraphs, recording: int) -> None:
        """Appends graphs of the recording with this index."""
        self.windows += len(graphs)
        for column in STORED:
            data = np.ascontiguousarray(column.of(graphs, recording), dtype=column.dtype)
            self._files[column.name].write(data.data)
            self._hashes[column.name].update(data.data)
            self._counts[column.name] += len(data)

    def meta(self) -> str:
        """Rows and hash of each column, as JSON."""
        hashes = {name: running.hexdigest() for name, running in self._hashes.items()}
        return json.dumps({"counts": self._counts, "sha256": hashes}, indent=1, sort_keys=True)


def _load(path: Path) -> dict[str, Any]:
    """Every column by its name, memory-mapped, after a look at every byte."""
    remove = f"Remove {path} and run the same command again: it is rebuilt"
    try:
        meta = json.loads((path / _META).read_text(encoding="utf-8"))
        return {column.name: _column(path, column, meta, remove) for column in STORED}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a complete packed store ({error}). {remove}") from error


def _column(
    path: Path, column: StoredColumn, meta: dict[str, dict[str, int | str]], remove: str
) -> NDArray[Any]:
    file, count = path / column.name, int(meta["counts"][column.name])
    raw = np.memmap(file, np.uint8, "r") if file.stat().st_size else np.zeros(0, np.uint8)
    if hashlib.sha256(raw.data).hexdigest() != meta["sha256"][column.name]:
        raise DataError(f"{file}: the contents were changed since they were stored. {remove}")
    values = raw.view(column.dtype)
    return values.reshape(count, -1) if column.wide else values
