"""How long one window takes from its last frame to its score, graph building included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from can_train.dataset.manifest import Recording, dataset_dir
from can_train.detectors.base import Artifact
from can_train.detectors.scoring import score_fusion, score_gat, score_vgae
from can_train.evaluation.experts import Experts
from can_train.frames.frame import Frames
from can_train.frames.store import load_frames
from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore

WARM_UP: Final = 20
"""First windows that aren't counted: kernels are compiled and caches filled."""

MEASURED: Final = 300
"""Windows that are counted; enough for a 99th percentile."""

_WINDOW: Final = np.zeros(1, np.int64)
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
        _scored(experts.artifacts, _store_of(graphs, experts, recording), building)
        for graphs, building in _live(experts, frames)
    ][WARM_UP:]
    if len(seconds) < MEASURED:
        return {}
    found = {}
    for scorer in seconds[0]:
        times = np.array([each[scorer] for each in seconds]) * 1e3
        found[scorer] = (float(np.median(times)), float(np.percentile(times, 99)))
    return found


def _live(experts: Experts, frames: Frames) -> Iterator[tuple[PackedGraphs, float]]:
    """Graphs of one window each, with the seconds that building them took."""
    data = experts.frozen.config.data
    builder = GraphBuilder(WindowSpec.of(data), words=frames.payload.shape[1] // 8)
    last = data.window + data.stride * (WARM_UP + MEASURED - 1)
    begin, end = 0, data.window
    while end <= min(last, len(frames)):
        (graphs,), seconds = _timed(partial(_built, builder, frames[begin:end]))
        if len(graphs.start) == 1:
            yield graphs, seconds
        begin, end = end, end + data.stride


def _built(builder: GraphBuilder, frames: Frames) -> list[PackedGraphs]:
    return list(builder.build(frames))


def _scored(
    artifacts: Mapping[str, Artifact], store: GraphStore, building: float
) -> dict[str, float]:
    """Seconds until the score of the store's only window, by scorer."""
    found = {}
    vgae = gat = None
    if "vgae" in artifacts:
        vgae, seconds = _timed(lambda: score_vgae(artifacts["vgae"], store, _WINDOW))
        found["vgae"] = building + seconds
    if "gat" in artifacts:
        gat, seconds = _timed(lambda: score_gat(artifacts["gat"], store, _WINDOW))
        found["gat"] = building + seconds
    if vgae is not None and gat is not None and "dqn" in artifacts:
        experts = (vgae, gat)
        _, seconds = _timed(lambda: score_fusion(artifacts["dqn"], *experts))
        found["fusion"] = found["vgae"] + found["gat"] - building + seconds
    return found


def _store_of(graphs: PackedGraphs, experts: Experts, recording: Recording) -> GraphStore:
    return GraphStore(
        key="",
        spec=WindowSpec.of(experts.frozen.config.data),
        recordings=(recording,),
        node_x=graphs.node_x,
        node_id=graphs.node_id,
        edge_source=graphs.edge_source,
        edge_target=graphs.edge_target,
        edge_x=graphs.edge_x,
        node_ptr=np.array([0, int(graphs.nodes[0])]),
        edge_ptr=np.array([0, int(graphs.edges[0])]),
        attack_fraction=graphs.attack_fraction,
        start=graphs.start,
        start_s=graphs.start_s,
        duration_s=graphs.duration_s,
        recording=np.zeros(1, np.int32),
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started
