"""Features of a window that look at nothing before it."""

from __future__ import annotations

import pytest

from can_train.graphs.features import FEATURE_NAMES
from tests.unit.frames_for_tests import make_frames
from tests.unit.graphs.graphs_for_tests import build


def test_classic_intervals_have_mean_deviation_and_regularity():
    frames = make_frames([0.0, 0.1, 0.4, 0.6, 1.1], [1, 2, 1, 2, 3])
    graphs = build(frames, features="classic", window=5, stride=5)
    first = graphs.edge_x[0]  # 1 -> 2 after 0.1 s and after 0.2 s
    names = FEATURE_NAMES["classic"].edge
    assert first[names.index("interval_mean")] == pytest.approx(0.15)
    assert first[names.index("interval_std")] == pytest.approx(0.05)
    assert first[names.index("regularity")] == pytest.approx(1 / 1.05)
    assert first[names.index("position_spread")] == pytest.approx(0.5)
