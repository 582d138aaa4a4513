"""What a stage waits for before its first window: its graphs, split, scaler and vocabulary.

Beside it the same without stamps and stored moments, as the first stage on a dataset does it; and
for growth the same with stride 50, twice as many windows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.data import NAME, training_dataset, training_windows
from benchmarks.rows import Row, measured
from can_train.dataset.manifest import DatasetManifest, dataset_dir
from can_train.frames.stamp import SETTLED_S, STAMP

TIMES: Final = 10
"""Openings of a measurement."""

MILLISECONDS: Final = 1000.0


def rows(rounds: int) -> Iterator[Row]:
    """Opening what is stamped beside what isn't, and growth with the store."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        manifest = training_dataset(root)
        for stride in (100, 50):
            training_windows(root, manifest, stride=stride)  # builds the store
        time.sleep(SETTLED_S)
        ours = _stamped(root, manifest, 100)
        what = "opening a stage's inputs"
        yield measured("Inputs", what, "ms", ours, "first time", _anew(root, manifest), rounds)
        twice = _stamped(root, manifest, 50)
        what = "the same, twice the windows"
        yield measured("Inputs", what, "ms", twice, "once the windows", ours, rounds)


def _stamped(root: Path, manifest: DatasetManifest, stride: int) -> Callable[[], float]:
    def opened() -> float:
        begin = time.process_time()
        for _ in range(TIMES):
            training_windows(root, manifest, stride=stride)
        return (time.process_time() - begin) / TIMES * MILLISECONDS

    training_windows(root, manifest, stride=stride)  # stamps
    return opened


def _anew(root: Path, manifest: DatasetManifest) -> Callable[[], float]:
    place = dataset_dir(root, "automotive", NAME)

    def opened() -> float:
        for path in (*place.glob(f"stores/*/{STAMP}"), *place.glob("splits/*-*.json")):
            path.unlink()
        begin = time.process_time()
        training_windows(root, manifest)
        return (time.process_time() - begin) * MILLISECONDS

    return opened
