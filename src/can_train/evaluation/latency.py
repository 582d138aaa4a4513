"""How long one window takes from its last frame to its score, graph building included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch

from can_train.config.spec import spec_of
from can_train.dataset.manifest import dataset_dir
from can_train.detectors.base import Detector, Scores
from can_train.evaluation.experts import Experts
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.batch import RawGraphs
from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec

WARM_UP: Final = 20
"""First windows that aren't counted: kernels are compiled and caches filled."""

MEASURED: Final = 300
"""Windows that are counted; enough for a 99th percentile."""

T = TypeVar("T")


def latency_ms(
    experts: Experts, data_root: Path, recording: Recording
) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile of the time per window, by scorer, in milliseconds.

    The frames come as on a live bus, `stride` at a time; each window is scored alone, on the CPU
    with the threads that are set. Fusion takes both experts and the Q-network.

    Args:
        experts: The models.
        data_root: Where the dataset lies.
        recording: What is played back.

    Returns:
        Empty if the recording is too short.
    """
    config = experts.frozen.config
    frames = load_frames(dataset_dir(data_root, config.modality, config.dataset), recording)
    seconds = [
        _scored(experts.detectors, graphs, building) for graphs, building in _live(experts, frames)
    ][WARM_UP:]
    if len(seconds) < MEASURED:
        return {}
    found = {}
    for scorer in seconds[0]:
        times = np.array([each[scorer] for each in seconds]) * 1e3
        found[scorer] = (float(np.median(times)), float(np.percentile(times, 99)))
    return found


def _live(experts: Experts, frames: Frames) -> Iterator[tuple[RawGraphs, float]]:
    """Graphs of one window each, with the seconds that making them took."""
    data = experts.frozen.config.data
    builder = GraphBuilder(WindowSpec.of(data), words=frames.payload.shape[1] // 8)
    last = data.window + data.stride * (WARM_UP + MEASURED - 1)
    begin, end = 0, data.window
    while end <= min(last, len(frames)):
        (graphs,), seconds = _timed(partial(_built, builder, frames[begin:end]))
        if len(graphs.start) == 1:
            raw, joining = _timed(partial(raw_graphs, graphs, np.arange(1)))
            yield raw, seconds + joining
        begin, end = end, end + data.stride


def _built(builder: GraphBuilder, frames: Frames) -> list[PackedGraphs]:
    return list(builder.build(frames))


@torch.no_grad()
def _scored(
    detectors: Mapping[str, Detector], graphs: RawGraphs, building: float
) -> dict[str, float]:
    """Seconds until the score of the only window, by scorer."""
    seen: dict[str, Scores] = {}
    seconds: dict[str, float] = {}
    for name, detector in detectors.items():
        work = partial(detector.fused, seen) if detector.fuses else partial(detector, graphs)
        seen[name], seconds[name] = _timed(work)
    return {
        spec_of(name).row: building
        + seconds[name]
        + (sum(seconds[other] for other in detector.config.experts) if detector.fuses else 0.0)
        for name, detector in detectors.items()
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started
