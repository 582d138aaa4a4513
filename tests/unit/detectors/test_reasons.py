"""An ID moved a margin by what the margin loses where that ID looks as usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import MOST_REASONS, Explainer, KeptWindow
from can_train.frames.frame import Frames
from can_train.graphs.build import build_graphs
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.live import LiveGraphs
from tests.unit.streaming.streams_for_tests import WINDOW, fused, traffic


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    return fused()


@pytest.fixture(scope="module")
def frames() -> Frames:
    return traffic()[: 200 * WINDOW]


@pytest.fixture(scope="module")
def graphs(detector: FrameScorer, frames: Frames) -> PackedGraphs:
    return build_graphs(frames, detector.spec)


def kept(graphs: PackedGraphs, frames: Frames, window: int) -> KeptWindow:
    rows = slice(window * WINDOW, (window + 1) * WINDOW)
    return KeptWindow.of_packed(graphs, window, frames.arbitration_id[rows])


def margin(
    detector: FrameScorer, graphs: PackedGraphs, window: int, row: int, columns: int | slice
) -> float:
    """By the modules, where some features of a node are as usual."""
    x = graphs.node_x.copy()
    x[row, columns] = detector.own.trained.scaler.node_mean[columns]
    return float(detector.score_graphs(replace(graphs, node_x=x))["dqn"].margin[window])


def test_reasons_are_what_the_modules_lose(
    detector: FrameScorer, frames: Frames, graphs: PackedGraphs
) -> None:
    window = int(np.argmax(detector.score_graphs(graphs)["dqn"].margin))
    nodes = range(*graphs.node_ptr[window : window + 2].tolist())
    base = float(detector.score_graphs(graphs)["dqn"].margin[window])
    drop = {
        int(graphs.node_id[row]): base - margin(detector, graphs, window, row, slice(None))
        for row in nodes
    }
    found = Explainer(detector).reasons(kept(graphs, frames, window))
    assert 0 < len(found) <= MOST_REASONS
    largest = sorted(drop.values(), reverse=True)[: len(found)]
    assert [reason.drop for reason in found] == pytest.approx(largest, abs=1e-4)
    first = found[0]
    assert drop[first.id] == pytest.approx(first.drop, abs=1e-4)
    row = next(row for row in nodes if graphs.node_id[row] == first.id)
    names = FEATURE_NAMES["relational"].node
    alone = [margin(detector, graphs, window, row, column) for column in range(len(names))]
    assert alone[names.index(first.feature)] == pytest.approx(min(alone), abs=1e-4)
    assert {int(frames.arbitration_id[frame]) for frame in first.frames} == {first.id}
    assert all(window * WINDOW <= frame < (window + 1) * WINDOW for frame in first.frames)


def test_a_live_window_is_the_same(
    detector: FrameScorer, frames: Frames, graphs: PackedGraphs
) -> None:
    live = LiveGraphs(detector.spec)
    for number, graph in enumerate(live.windows_of(frames[: 9 * WINDOW])):
        ids = live.frames.arbitration_id[live.window]
        found = KeptWindow.of_live(graph, number * WINDOW, ids)
    expected = kept(graphs, frames, 8)
    assert Explainer(detector).reasons(found) == Explainer(detector).reasons(expected)
