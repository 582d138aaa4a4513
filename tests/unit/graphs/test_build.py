"""Windows become graphs: structure, features and streaming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.graphs.build import build_graphs, graphs_in_turn, window_count
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.identity import WindowSpec
from tests.draws import examples
from tests.unit.frames_for_tests import make_frames, random_frames
from tests.unit.graphs.graphs_for_tests import build


def test_a_window_is_an_attack_if_any_frame_is_and_never_crosses_the_end():
    label = np.zeros(250, np.uint8)
    label[[5, 6, 249]] = 1
    frames = make_frames(np.arange(250) / 1000, np.arange(250) % 7, label=label)
    graphs = build(frames, features="classic", window=100, stride=50)
    assert len(graphs.start) == window_count(250, 100, 50) == 4
    assert graphs.attack_fraction.tolist() == pytest.approx([0.02, 0, 0, 0.01])


@pytest.mark.parametrize("features", ["classic", "relational"])
@examples(25)
@given(
    cuts=st.lists(st.integers(0, 700), max_size=12),
    stride=st.integers(1, 70),
    seed=st.integers(0, 5),
)
def test_a_live_stream_gives_the_identical_numbers(features, cuts, stride, seed):
    frames = random_frames(700, seed=seed)
    whole = build(frames, features=features, window=50, stride=stride)
    stream = build(frames, cuts, features=features, window=50, stride=stride)
    for name in PackedGraphs.__dataclass_fields__:
        assert np.array_equal(getattr(whole, name), getattr(stream, name)), name


def test_window_by_window_equals_the_whole_recording():
    frames = random_frames(1000, seed=3)
    whole = build(frames, features="relational", window=100, stride=100)
    stream = build(
        frames, list(range(100, 1000, 100)), features="relational", window=100, stride=100
    )
    assert np.array_equal(whole.node_x, stream.node_x)
    assert np.array_equal(whole.edge_x, stream.edge_x)


@pytest.mark.parametrize("features", ["classic", "relational"])
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_a_whole_recording_gives_the_same_graphs_however_many_at_a_time(features, count):
    frames = random_frames(900, seed=2)
    spec = WindowSpec(features=features, window=50, stride=20)
    whole = build_graphs(frames, spec)
    parts = list(graphs_in_turn(frames, spec, count))
    assert {len(part) for part in parts[:-1]} <= {count}
    for name in PackedGraphs.__dataclass_fields__:
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name))
        fed = getattr(build(frames, features=features, window=50, stride=20), name)
        assert np.array_equal(fed, joined)


@pytest.mark.parametrize("count", [0, 1, 49])
def test_a_recording_shorter_than_a_window_has_no_graphs(count):
    spec = WindowSpec(features="relational", window=50, stride=20)
    graphs = build_graphs(random_frames(60)[:count], spec)
    assert len(graphs) == 0
    assert graphs.node_ptr.tolist() == graphs.edge_ptr.tolist() == [0]
