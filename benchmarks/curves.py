"""How speed depends on size: frames of a recording, windows per step, threads.

Graph building and training steps; the reference of each curve is its first or usual point.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import torch

from benchmarks.building import build
from benchmarks.data import repeated, training_dataset, training_frames, training_windows
from benchmarks.rows import QUICK, Row, measured
from benchmarks.steps import BATCH, network_stage, rate, steps_of

FRAMES: Final = (1_000_000, 5_000_000, 20_000_000)
FEWEST: Final = 100_000
BATCHES: Final = (16, 256)
STEPS_OF_BATCH: Final = {16: 80, 64: 20, 256: 5}
THREADED: Final = {"student": 20, "teacher": 3}
LONGEST_ROUNDS: Final = 2
"""Rounds of the longest recording: one takes long, and says as much as many short ones."""


def rows(rounds: int) -> Iterator[Row]:
    """The curves."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        manifest = training_dataset(root)
        recordings = training_frames(root, manifest)
        few = _building(recordings, FEWEST)
        for frames in FRAMES if rounds >= QUICK else FRAMES[:1]:
            times = min(rounds, LONGEST_ROUNDS) if frames == FRAMES[-1] else rounds
            yield measured(
                "Scaling", f"graph building, {frames:,} frames", "frames/s",
                _building(recordings, frames), f"{FEWEST:,} frames", few, times,
            )  # fmt: skip
        inputs = training_windows(root, manifest)
        usual = partial(rate, steps_of(network_stage(inputs, "gat", "student")), 20)
        for batch in BATCHES:
            step = steps_of(network_stage(inputs, "gat", "student", batch))
            yield measured(
                "Scaling", f"GAT student, {batch} windows per step", "windows/s",
                partial(rate, step, STEPS_OF_BATCH[batch]), f"{BATCH} windows", usual, rounds,
            )  # fmt: skip
        for size, steps in THREADED.items():
            step = steps_of(network_stage(inputs, "gat", size))
            one, two = (partial(_by_the_clock, step, steps, threads) for threads in (1, 2))
            what = f"GAT {size}, two threads"
            yield measured("Scaling", what, "windows/s", two, "one thread", one, rounds)


def _building(recordings: list, frames: int) -> Callable[[], float]:
    known = repeated(recordings, frames)
    times = max(1, FRAMES[0] // frames)

    def measure() -> float:
        begin = time.process_time()
        for _ in range(times):
            build([known], "relational")
        return times * frames / (time.process_time() - begin)

    return measure


def _by_the_clock(step: Callable[[], int], steps: int, threads: int) -> float:
    """Windows per second as a clock on the wall has them."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    windows = sum(step() for _ in range(steps))
    torch.set_num_threads(1)
    return windows / (time.perf_counter() - begin)
