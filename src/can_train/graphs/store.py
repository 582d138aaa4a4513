"""Packed store: the graphs of a dataset as flat, memory-mapped arrays on disk.

A store is addressed by its content (frames, feature set, window, stride, code version),
written atomically, verified when opened, and shared by every run and stage.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.manifest import dataset_dir, store_key
from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.build import GraphBuilder, PackedGraphs

_DTYPES: Final[dict[str, str]] = {
    "node_x": "<f4",
    "node_id": "<u4",
    "edge_source": "<u2",
    "edge_target": "<u2",
    "edge_x": "<f4",
    "nodes": "<i8",
    "edges": "<i8",
    "attack_fraction": "<f4",
    "start": "<i8",
    "start_s": "<f8",
    "duration_s": "<f4",
    "recording": "<i4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStore:
    """Graphs of B windows of several recordings, N nodes and E edges in all.

    Attributes:
        key: Content address.
        features: Feature set.
        window: Frames per window.
        stride: Frames between window starts.
        recordings: The recordings, in stored order.
        node_x: Node features [N, F], float32.
        node_id: Arbitration IDs [N], uint32.
        edge_source: Source node, counted within the graph [E], uint16.
        edge_target: Target node, counted within the graph [E], uint16.
        edge_x: Edge features [E, G], float32.
        node_ptr: First node of each window, and N [B + 1], int64.
        edge_ptr: First edge of each window, and E [B + 1], int64.
        attack_fraction: Share of attack frames per window [B], float32.
        start: First frame of each window in its recording [B], int64.
        start_s: Timestamp of that frame [B], float64.
        duration_s: Last timestamp minus first [B], float32.
        recording: Index into `recordings` [B], int32.
    """

    key: str
    features: str
    window: int
    stride: int
    recordings: tuple[Recording, ...]
    node_x: NDArray[np.float32]
    node_id: NDArray[np.uint32]
    edge_source: NDArray[np.uint16]
    edge_target: NDArray[np.uint16]
    edge_x: NDArray[np.float32]
    node_ptr: NDArray[np.int64]
    edge_ptr: NDArray[np.int64]
    attack_fraction: NDArray[np.float32]
    start: NDArray[np.int64]
    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float32]
    recording: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def label(self) -> NDArray[np.uint8]:
        """1 where any frame of the window is an attack frame [B], uint8."""
        return (self.attack_fraction > 0).astype(np.uint8)

    @property
    def attack_kinds(self) -> tuple[str, ...]:
        """Names that `attack_kind` indexes; `none` is first."""
        return ("none", *sorted({r.attack_kind for r in self.recordings} - {"none"}))

    @property
    def attack_kind(self) -> NDArray[np.uint8]:
        """Kind of attack in each window, index into `attack_kinds` [B], uint8."""
        kinds = self.attack_kinds
        of_recording = np.array([kinds.index(r.attack_kind) for r in self.recordings], np.uint8)
        return np.where(self.label == 1, of_recording[self.recording], 0).astype(np.uint8)

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
    data_root: Path,
    place: tuple[str, str],
    recordings: Sequence[Recording],
    *,
    features: str,
    window: int,
    stride: int,
) -> GraphStore:
    """The packed store of `recordings`, built first if it isn't there.

    Args:
        data_root: Root of all stored datasets.
        place: Modality and dataset.
        recordings: Recordings of that dataset, in stored order.
        features: `classic` or `relational`.
        window: Frames per window.
        stride: Frames between window starts.

    Raises:
        DataError: No recording is long enough for a window, or the stored arrays are damaged.
    """
    key = store_key(tuple(r.digest for r in recordings), features, window, stride)
    folder = dataset_dir(data_root, *place)
    path = folder / "stores" / key[:16]
    if not path.is_dir():
        _build(folder, path, recordings, (features, window, stride))
    return _load(path, key, tuple(recordings), (features, window, stride))


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
    folder: Path, path: Path, recordings: Sequence[Recording], kind: tuple[str, int, int]
) -> None:
    features, window, stride = kind
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.mkdir(parents=True)
    try:
        with _Writer(temporary) as writer:
            for number, recording in enumerate(recordings):
                frames = verified_frames(folder, recording)
                builder = GraphBuilder(
                    features=features,
                    window=window,
                    stride=stride,
                    words=frames.payload.shape[1] // 8,
                )
                for graphs in builder.build(frames):
                    writer.add(graphs, number)
            meta = writer.finish()
        if not meta["counts"]["start"]:
            raise DataError(
                f"{folder}: no recording holds a full window of {window} frames. "
                f"Use a smaller --window (at least 2)"
            )
        _write_synced(temporary / "meta.json", json.dumps(meta, indent=1, sort_keys=True))
        try:
            temporary.rename(path)
        except OSError as error:
            if not path.is_dir():  # else another process stored the same content first
                raise DataError(f"{path}: can't be stored ({error.strerror})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Writer:
    """Appends chunks of graphs to one raw file per column, hashing on the way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {name: (folder / name).open("wb") for name in _DTYPES}
        self._hashes = {name: hashlib.sha256() for name in _DTYPES}
        self._counts = dict.fromkeys(_DTYPES, 0)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, graphs: PackedGraphs, recording: int) -> None:
        columns = {
            "node_x": graphs.node_x,
            "node_id": graphs.node_id,
            "edge_source": graphs.edge_index[0],
            "edge_target": graphs.edge_index[1],
            "edge_x": graphs.edge_x,
            "nodes": graphs.nodes,
            "edges": graphs.edges,
            "attack_fraction": graphs.attack_fraction,
            "start": graphs.start,
            "start_s": graphs.start_s,
            "duration_s": graphs.duration_s,
            "recording": np.full(len(graphs.start), recording),
        }
        for name, column in columns.items():
            data = np.ascontiguousarray(column, dtype=_DTYPES[name])
            self._files[name].write(data.data)
            self._hashes[name].update(data.data)
            self._counts[name] += len(data)

    def finish(self) -> dict[str, dict[str, int | str]]:
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        hashes: dict[str, int | str] = {n: h.hexdigest() for n, h in self._hashes.items()}
        return {"counts": dict(self._counts), "sha256": hashes}


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _load(
    path: Path, key: str, recordings: tuple[Recording, ...], kind: tuple[str, int, int]
) -> GraphStore:
    remove = f"Remove {path} and run the same command again: it is rebuilt"
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        columns = {name: _column(path, name, meta, remove) for name in _DTYPES}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not a complete packed store ({error}). {remove}") from error
    nodes, edges = columns.pop("nodes"), columns.pop("edges")
    return GraphStore(
        key=key,
        features=kind[0],
        window=kind[1],
        stride=kind[2],
        recordings=recordings,
        node_ptr=np.concatenate([[0], np.cumsum(nodes)]).astype(np.int64),
        edge_ptr=np.concatenate([[0], np.cumsum(edges)]).astype(np.int64),
        **columns,
    )


def _column(path: Path, name: str, meta: dict[str, dict[str, int | str]], remove: str) -> Any:
    file, count = path / name, int(meta["counts"][name])
    raw = np.memmap(file, np.uint8, "r") if file.stat().st_size else np.zeros(0, np.uint8)
    if hashlib.sha256(raw.data).hexdigest() != meta["sha256"][name]:
        raise DataError(f"{file}: the contents were changed since they were stored. {remove}")
    values = raw.view(_DTYPES[name])
    return values.reshape(count, -1) if name in ("node_x", "edge_x") else values
