"""The causal state of a recording: the past only, however it is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from can_train.frames.frame import Frames
from can_train.graphs.build import window_count
from can_train.graphs.past import FrameColumn
from can_train.graphs.slots import IdSlots
from can_train.graphs.state import IdState
from tests.unit.frames_for_tests import make_frames, random_frames
from tests.unit.graphs.graphs_for_tests import build, relational


def test_features_are_causal():
    frames = random_frames(600, seed=1)
    changed = random_frames(600, seed=2)
    spliced = Frames(
        timestamp=np.concatenate([frames.timestamp[:300], changed.timestamp[300:]]),
        arbitration_id=np.concatenate([frames.arbitration_id[:300], changed.arbitration_id[300:]]),
        dlc=np.concatenate([frames.dlc[:300], changed.dlc[300:]]),
        payload=np.concatenate([frames.payload[:300], changed.payload[300:]]),
        label=frames.label,
    )
    a, b = relational(frames), relational(spliced)
    nodes = int(a.nodes[:3].sum())
    assert np.array_equal(a.node_x[:nodes], b.node_x[:nodes])


def test_backward_and_equal_timestamps_stay_finite():
    frames = make_frames([1.0, 1.0, 0.9997, 1.0, 1.1, 1.1] * 50, [1, 2, 3] * 100)
    for features in ("classic", "relational"):
        graphs = build(frames, features=features, window=10, stride=5)
        assert np.isfinite(graphs.node_x).all()
        assert np.isfinite(graphs.edge_x).all()


def test_windows_are_judged_where_they_end_however_many_ids_and_cuts() -> None:
    frames = random_frames(1000, ids=200)
    slots, words = IdSlots(), frames.payload.shape[1] // 8
    numbers = slots.assign(frames.arbitration_id)
    whole = IdState(window=50, stride=30, words=words).update(frames, numbers, slots.count)
    assert whole.per_frame.shape == (1000, len(FrameColumn))
    assert len(whole.per_window) == window_count(1000, 50, 30)
    state = IdState(window=50, stride=30, words=words)
    edges = [0, 1, 49, 50, 51, 400, 400, 1000]
    parts = [
        state.update(frames[a:b], numbers[a:b], int(numbers[:b].max()) + 1)
        for a, b in pairwise(edges)
    ]
    assert [len(part.per_window) for part in parts[:4]] == [0, 0, 1, 0]
    for name in ("per_frame", "per_window"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name))
