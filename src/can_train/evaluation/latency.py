"""How long one window takes from its last frame to its score, graph building included."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.config.spec import spec_of
from can_train.dataset.manifest import dataset_dir
from can_train.detectors.module_scorer import window_scorers
from can_train.detectors.window_scorer import WindowScorer
from can_train.evaluation.experts import Experts
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs

WARM_UP: Final = 20
"""First windows that aren't counted: kernels are compiled and caches filled."""

MEASURED: Final = 300
"""Windows that are counted; enough for a 99th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Time per window by scorer, graph building included; empty where it wasn't measured.

    Attributes:
        per_window_ms: Median and 99th percentile, in milliseconds.
        frames_per_s: Frames that one core scores in a second.
    """

    per_window_ms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    frames_per_s: Mapping[str, float] = field(default_factory=dict)


def latency_of(experts: Experts, data_root: Path, recording: Recording) -> Latency:
    """Measures every scorer as a stream uses it.

    The frames come as on a live bus, `stride` at a time; each window is scored alone, on one core
    that the process stays on. Fusion takes both experts and itself.

    Args:
        experts: The models.
        data_root: Where the dataset lies.
        recording: What is played back.

    Returns:
        An empty one if the recording is too short.
    """
    config = experts.frozen.config
    frames = load_frames(dataset_dir(data_root, config.modality, config.dataset), recording)
    spec = WindowSpec.of(config.data)
    last = spec.window + spec.stride * (WARM_UP + MEASURED - 1)
    if len(frames) < last:
        return Latency()
    scorers = window_scorers(experts.detectors)
    with one_core():
        seconds = np.array(list(_timed(spec, scorers, frames[:last])))[WARM_UP:]
    found = {}
    for name, detector in experts.detectors.items():
        needed = [*(detector.config.experts if detector.fuses else ()), name]
        of = [1 + list(scorers).index(each) for each in needed]
        found[spec_of(name).row] = seconds[:, 0] + seconds[:, of].sum(axis=1)
    return Latency(
        per_window_ms={name: _percentiles_ms(taken) for name, taken in found.items()},
        frames_per_s={name: spec.stride / float(taken.mean()) for name, taken in found.items()},
    )


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this thread on one core, where the system lets it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _timed(
    spec: WindowSpec, scorers: Mapping[str, WindowScorer], frames: Frames
) -> Iterator[list[float]]:
    """Seconds of each window: of its graph, and of each scorer in turn."""
    live = LiveGraphs(spec, words=frames.payload.shape[1] // 8)
    began = time.perf_counter()
    for graph in live.windows_of(frames):
        times = [began, time.perf_counter()]
        for scorer in scorers.values():
            scorer.look(graph)
            times.append(time.perf_counter())
        yield [after - before for before, after in zip(times, times[1:], strict=False)]
        began = time.perf_counter()


def _percentiles_ms(seconds: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.median(seconds)) * 1e3, float(np.percentile(seconds, 99)) * 1e3
