"""Windows become graphs: structure, features and streaming."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from can_train.frames.frame import Frames
from can_train.graphs.build import GraphBuilder, build_graphs, graphs_in_turn, window_count
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.identity import WindowSpec
from can_train.vocab import FeatureSet
from tests.unit.frames_for_tests import make_frames, random_frames


def build(
    frames: Frames,
    cuts: list[int] | None = None,
    *,
    features: FeatureSet,
    window: int,
    stride: int,
) -> PackedGraphs:
    """Graphs of a recording that is fed in pieces cut at `cuts`."""
    spec = WindowSpec(features=features, window=window, stride=stride)
    builder = GraphBuilder(spec, words=frames.payload.shape[1] // 8)
    edges = [0, *sorted(cuts or []), len(frames)]
    pieces = [frames[a:b] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    parts = [graphs for piece in pieces for graphs in builder.build(piece)]
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in PackedGraphs.__dataclass_fields__
    }
    return PackedGraphs(**columns)


def relational(frames: Frames) -> PackedGraphs:
    """Relational graphs of windows of 100 frames, one behind the other."""
    return build(frames, features="relational", window=100, stride=100)


def node(graphs: PackedGraphs, features: str, name: str) -> np.ndarray:
    return graphs.node_x[:, FEATURE_NAMES[features].node.index(name)]


def edge(graphs: PackedGraphs, features: str, name: str) -> np.ndarray:
    return graphs.edge_x[:, FEATURE_NAMES[features].edge.index(name)]


def test_nodes_and_edges_are_those_of_a_hand_written_window():
    frames = make_frames([0, 1, 2, 3, 4], [7, 5, 7, 7, 5])
    graphs = build(frames, features="classic", window=5, stride=5)
    assert graphs.node_id.tolist() == [7, 5]
    # 7->5 twice, 5->7, 7->7
    assert graphs.edge_source.tolist() == [0, 1, 0]
    assert graphs.edge_target.tolist() == [1, 0, 0]
    assert edge(graphs, "classic", "count").tolist() == [2, 1, 1]
    assert edge(graphs, "classic", "has_reverse_edge").tolist() == [1, 1, 1]
    assert node(graphs, "classic", "occurrence_count").tolist() == [3, 2]
    assert node(graphs, "classic", "last_position").tolist() == [0.75, 1.0]


def test_classic_intervals_have_mean_deviation_and_regularity():
    frames = make_frames([0.0, 0.1, 0.4, 0.6, 1.1], [1, 2, 1, 2, 3])
    graphs = build(frames, features="classic", window=5, stride=5)
    first = graphs.edge_x[0]  # 1 -> 2 after 0.1 s and after 0.2 s
    names = FEATURE_NAMES["classic"].edge
    assert first[names.index("interval_mean")] == pytest.approx(0.15)
    assert first[names.index("interval_std")] == pytest.approx(0.05)
    assert first[names.index("regularity")] == pytest.approx(1 / 1.05)
    assert first[names.index("position_spread")] == pytest.approx(0.5)


def test_a_window_is_an_attack_if_any_frame_is_and_never_crosses_the_end():
    label = np.zeros(250, np.uint8)
    label[[5, 6, 249]] = 1
    frames = make_frames(np.arange(250) / 1000, np.arange(250) % 7, label=label)
    graphs = build(frames, features="classic", window=100, stride=50)
    assert len(graphs.start) == window_count(250, 100, 50) == 4
    assert graphs.attack_fraction.tolist() == pytest.approx([0.02, 0, 0, 0.01])


@pytest.mark.parametrize("features", ["classic", "relational"])
@settings(max_examples=25, deadline=None)
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


def test_relational_features_do_not_know_which_id_it_is():
    """Renaming IDs in an order-preserving way changes no number."""
    frames = random_frames(600, seed=4, extended=False)
    renamed = make_frames(
        frames.timestamp,
        np.searchsorted(np.unique(frames.arbitration_id), frames.arbitration_id) + 900,
        payload=frames.payload,
        dlc=frames.dlc,
        label=frames.label,
    )
    assert np.array_equal(relational(frames).node_x, relational(renamed).node_x)
    assert np.array_equal(relational(frames).edge_x, relational(renamed).edge_x)


def test_relational_features_do_not_depend_on_the_clock():
    frames = random_frames(600, seed=5)
    exact = np.round(frames.timestamp - 1e9, 6)
    ids, payload, dlc = frames.arbitration_id, frames.payload, frames.dlc
    a = relational(make_frames(exact, ids, payload=payload, dlc=dlc))
    b = relational(make_frames(exact + 4096.0, ids, payload=payload, dlc=dlc))
    assert np.allclose(a.node_x, b.node_x, atol=1e-3)


def test_no_feature_grows_with_recording_time():
    """A steady bus looks the same after ten minutes as after one."""
    n = 400_000
    times = 1000.0 + np.arange(n) * 0.0015
    payload = np.zeros((n, 8), np.uint8)
    payload[:, 0] = np.arange(n) // 20  # a counter in every ID
    frames = make_frames(times, np.arange(n) % 20 + 100, payload=payload)
    graphs = build(frames, features="relational", window=100, stride=100)
    per_window = graphs.node_x.reshape(len(graphs.start), 20, -1)
    early, late = per_window[400:600].mean(axis=(0, 1)), per_window[-200:].mean(axis=(0, 1))
    assert np.abs(early - late).max() < 0.01


def test_a_new_id_after_the_warm_up_is_novel_and_then_no_longer():
    n = 20_000
    times = np.arange(n) * 0.001
    ids = np.where((np.arange(n) >= 10_000) & (np.arange(n) % 10 == 0), 0x7FF, np.arange(n) % 8 + 1)
    graphs = build(make_frames(times, ids), features="relational", window=100, stride=100)
    window = np.repeat(np.arange(len(graphs.start)), graphs.nodes)
    novelty = node(graphs, "relational", "novelty")
    new = graphs.node_id == 0x7FF
    assert novelty[~new].max() == 0.0
    assert novelty[new & (window == 100)].max() == 1.0
    assert novelty[new & (window > 160)].max() == 0.0


def test_bits_that_change_first_at_the_start_do_not_tell_the_position():
    n = 6000
    payload = np.zeros((n, 8), np.uint8)
    payload[:, 0] = np.arange(n) // 8 % 64  # a counter whose high bits change late
    payload[5600:, 7] = 0x80
    frames = make_frames(np.arange(n) * 0.005, np.arange(n) % 8 + 1, payload=payload)
    graphs = build(frames, features="relational", window=80, stride=80)
    at = np.repeat(graphs.start_s, graphs.nodes)
    new = node(graphs, "relational", "new_bits_max")
    assert new[at < 27.5].max() == 0.0
    assert new[at > 27.9].max() > 0.0


def test_missing_frames_raise_missing_share_and_saturate():
    n = 60_000
    ids = np.arange(n) % 10 + 1
    times = np.arange(n) * 0.001
    keep = ~((ids == 4) & (times > 20.0))
    graphs = build(make_frames(times[keep], ids[keep]), features="relational", window=90, stride=90)
    share = node(graphs, "relational", "missing_share")
    at = np.repeat(graphs.start_s, graphs.nodes)
    assert share[at < 19.8].max() == 0.0
    assert share[(at > 20.5) & (at < 29)].min() == pytest.approx(0.1)
    assert share[at > 31].max() == 0.0


def test_injected_frames_do_not_become_the_new_normal():
    """After an injection ends, the ID's genuine frames look normal again at once."""
    benign = np.arange(0, 60, 0.01)
    injected = np.arange(30, 35, 0.001) + 0.0003
    times = np.concatenate([benign, injected])
    order = np.argsort(times, kind="stable")
    frames = make_frames(times[order], np.full(len(times), 5))
    graphs = build(frames, features="relational", window=50, stride=50)
    ratio = node(graphs, "relational", "interval_log_ratio_mean")
    assert np.abs(ratio[(graphs.start_s > 36)]).max() < 0.25
    assert ratio[(graphs.start_s > 31) & (graphs.start_s < 34)].max() < -1.0


def test_can_fd_payloads_are_compared_in_full():
    n = 400
    payload = np.zeros((n, 64), np.uint8)
    payload[300:, 63] = 0xFF
    frames = make_frames(np.arange(n) * 0.02, np.ones(n), payload=payload, dlc=np.full(n, 64))
    graphs = build(frames, features="relational", window=100, stride=100)
    assert node(graphs, "relational", "new_bits_max").tolist() == pytest.approx(
        [0, 0, 0, np.log1p(8)]
    )


def test_backward_and_equal_timestamps_stay_finite():
    frames = make_frames([1.0, 1.0, 0.9997, 1.0, 1.1, 1.1] * 50, [1, 2, 3] * 100)
    for features in ("classic", "relational"):
        graphs = build(frames, features=features, window=10, stride=5)
        assert np.isfinite(graphs.node_x).all()
        assert np.isfinite(graphs.edge_x).all()


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
