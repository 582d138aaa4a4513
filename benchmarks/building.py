"""Frames per second of graph building and packing, and memory of packing.

Beside graph building: numpy, a window at a time (`np.unique` for nodes and edges with their counts
and mean payloads; fewer features than either feature set has). Beside importing CSV text into a
packed store: polars reading the same text.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.data import NAME, prepare, repeated, training_dataset, training_frames
from benchmarks.rows import Row, measured, row_of
from can_train.dataset.manifest import load_manifest
from can_train.frames.frame import Frames
from can_train.graphs.build import GraphBuilder
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import open_store
from can_train.vocab import FeatureSet

WINDOW: Final = 100
PLAIN_FRAMES: Final = 100_000
MEMORY_FRAMES: Final = 2_000_000
RECORDINGS: Final = 4
BYTES_PER_MB: Final = 1e6
_HEADER: Final = "timestamp,arbitration_id,data_field,attack\n"


def rows(rounds: int) -> Iterator[Row]:
    """Building, packing, memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recordings = training_frames(root, training_dataset(root))
        few = repeated(recordings, PLAIN_FRAMES)
        kinds: tuple[FeatureSet, ...] = ("classic", "relational")
        for features in kinds:
            yield measured(
                "Graphs", f"building, {features}", "frames/s",
                _rate(partial(build, recordings, features), sum(map(len, recordings))),
                "numpy by window", _rate(lambda: _plainly(few), PLAIN_FRAMES), rounds,
            )  # fmt: skip
        source = root / "csv"
        frames = write_csv(source, recordings)
        yield measured(
            "Graphs", "CSV text to packed store", "frames/s",
            _rate(lambda: _import(source, root), frames),
            "polars.read_csv", _rate(lambda: _read(source), frames), rounds,
        )  # fmt: skip
        yield _memory(root, recordings)


def build(recordings: Sequence[Frames], features: FeatureSet) -> None:
    """All graphs of `recordings`."""
    for frames in recordings:
        spec = WindowSpec(features=features, window=WINDOW, stride=WINDOW)
        for _ in GraphBuilder(spec, words=frames.payload.shape[1] // 8).build(frames):
            pass


def _plainly(frames: Frames) -> None:
    for begin in range(0, len(frames) - WINDOW + 1, WINDOW):
        here = frames[begin : begin + WINDOW]
        _, node, count = np.unique(here.arbitration_id, return_inverse=True, return_counts=True)
        payload = np.zeros((len(count), here.payload.shape[1]))
        np.add.at(payload, node, here.payload)
        payload /= count[:, None]
        pairs = node[:-1] * len(count) + node[1:]
        _, edge, number = np.unique(pairs, return_inverse=True, return_counts=True)
        np.bincount(edge, np.diff(here.timestamp)) / number


def _rate(work: Callable[[], object], frames: int) -> Callable[[], float]:
    def measure() -> float:
        begin = time.process_time()
        work()
        return frames / (time.process_time() - begin)

    return measure


def write_csv(folder: Path, recordings: Sequence[Frames], number: int = 0) -> int:
    """Writes frames of `recordings` as one text, called benign; gives how many there are."""
    path = folder / "train_01_attack_free" / f"bench-{number}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = repeated(recordings, sum(map(len, recordings)))
    columns = (frames.timestamp, frames.arbitration_id, frames.dlc, frames.payload)
    with path.open("w", encoding="ascii") as file:
        file.write(_HEADER)
        for t, i, d, p in zip(*(c.tolist() for c in columns), strict=True):
            file.write(f"{t + number:.6f},{i:03X},{bytes(p[:d]).hex().upper()},0\n")
    return len(frames)


def _import(source: Path, root: Path) -> None:
    """Imports and packs into an empty data root, which is removed with everything else."""
    data_root = Path(tempfile.mkdtemp(dir=root))
    prepare(source, data_root)
    manifest = load_manifest(data_root, "automotive", NAME)
    spec = WindowSpec(features="relational", window=WINDOW, stride=WINDOW)
    open_store(manifest.ref.folder(data_root), manifest.train, spec)


def _read(source: Path) -> None:
    for path in source.glob("*/*.csv"):
        pl.read_csv(path, schema_overrides={"arbitration_id": pl.String, "data_field": pl.String})


def _memory(root: Path, recordings: Sequence[Frames]) -> Row:
    """Peak memory of importing and packing several recordings, beside the store that they make."""
    frames = repeated(recordings, MEMORY_FRAMES // RECORDINGS)
    for number in range(RECORDINGS):
        write_csv(root / "long", [frames], number)
    script = str(Path(__file__).with_name("memory.py"))
    done = subprocess.run(
        [sys.executable, script, str(root / "long"), "relational"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    growth, store = (float(number) / BYTES_PER_MB for number in done.stdout.split())
    what = f"memory of packing {MEMORY_FRAMES:,} frames"
    return row_of("Graphs", what, "MB", "the store", [(growth, store)])
