"""A clock that is set, begins anew or strays leaves the rest of a recording as it was."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import RelationalNode
from can_train.graphs.steady import ClockColumn, SteadyClock
from tests.unit.frames_for_tests import make_frames, random_frames
from tests.unit.graphs.graphs_for_tests import relational

DAY_S = 86_400.0


def steady(timestamps: np.ndarray) -> np.ndarray:
    return SteadyClock().follow(timestamps)


def periodic(seed: int = 0) -> Frames:
    """12 IDs with periods from 5 to 600 ms, jitter of 2 %, and a counter in each payload."""
    rng = np.random.default_rng(seed)
    times, ids = [], []
    for number, period in enumerate(np.geomspace(0.005, 0.6, 12)):
        count = int(20 / period)
        times.append(period * (np.arange(count) + rng.normal(0.0, 0.02, count) + rng.random()))
        ids.append(np.full(count, 0x100 + number))
    order = np.argsort(np.concatenate(times), kind="stable")
    ids_in_order = np.concatenate(ids)[order]
    payload = np.zeros((len(order), 8), np.uint8)
    payload[:, 1] = np.arange(len(order)) % 16
    return make_frames(1.5e9 + np.concatenate(times)[order], ids_in_order, payload=payload)


CLEAN = periodic()


def shifted(begin: int, end: int | None, by_s: float) -> Frames:
    timestamps = CLEAN.timestamp.copy()
    timestamps[begin:end] += by_s
    return replace(CLEAN, timestamp=timestamps)


def unlike(graphs: PackedGraphs, clean: PackedGraphs, bound: float) -> list[int]:
    """Windows with a feature that is further than `bound` from that of the clean recording."""
    assert np.array_equal(graphs.nodes, clean.nodes)
    assert np.array_equal(graphs.edges, clean.edges)
    far_nodes = np.abs(graphs.node_x - clean.node_x).max(axis=1) > bound
    far_edges = np.abs(graphs.edge_x - clean.edge_x).max(axis=1) > bound
    of_nodes = np.repeat(np.arange(len(graphs)), graphs.nodes)[far_nodes]
    of_edges = np.repeat(np.arange(len(graphs)), graphs.edges)[far_edges]
    return sorted({*of_nodes.tolist(), *of_edges.tolist()})


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_timestamps_are_kept_to_the_last_bit(seed: int) -> None:
    timestamps = random_frames(5000, seed=seed).timestamp
    assert np.array_equal(steady(timestamps), timestamps)


@pytest.mark.recordings
@pytest.mark.parametrize(
    "name",
    [
        "set_04/train_02_with_attacks__valid_systematic-3",
        "set_04/train_01_attack_free__accessory-3",
    ],
)
def test_timestamps_of_real_recordings_are_kept_to_the_last_bit(
    recordings: Path, name: str
) -> None:
    timestamps = read_recording(recordings / f"parquet/{name}.parquet").frames.timestamp
    assert np.array_equal(steady(timestamps), timestamps)


def test_the_cut_does_not_matter() -> None:
    timestamps = shifted(700, 701, 6.2).timestamp[:2000].copy()
    timestamps[1200:] -= DAY_S
    clock = SteadyClock()
    edges = [0, 1, 700, 701, 1199, 1201, 1201, 2000]
    parts = [clock.follow(timestamps[a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), steady(timestamps))


@pytest.mark.parametrize("by_s", [6.2, -6.2, DAY_S, -1.5e9, 0.7])
@pytest.mark.parametrize("begin", [3, 300, 2500])
@pytest.mark.parametrize("count", [1, 4])
def test_stray_stamps_leave_all_others_as_they_were(by_s: float, begin: int, count: int) -> None:
    times = shifted(begin, begin + count, by_s).timestamp
    kept = np.delete(steady(times), slice(begin, begin + count))
    assert np.array_equal(kept, np.delete(CLEAN.timestamp, slice(begin, begin + count)))


@pytest.mark.parametrize("by_s", [6.2, -6.2, 60.0, -DAY_S, DAY_S, -1.5e9])
@pytest.mark.parametrize("begin", [300, 3000])
def test_clock_that_is_set_costs_one_gap(by_s: float, begin: int) -> None:
    times = steady(shifted(begin, None, by_s).timestamp)
    assert np.array_equal(times[:begin], CLEAN.timestamp[:begin])
    off = (times[begin:] - times[begin]) - (CLEAN.timestamp[begin:] - CLEAN.timestamp[begin])
    assert np.abs(off).max() < 1e-6
    assert 0.0 < times[begin] - times[begin - 1] < 0.02


def test_clock_that_begins_anew_every_second() -> None:
    times = steady(CLEAN.timestamp % 1.0)
    assert np.diff(times).min() > -0.001
    assert times[-1] - times[0] == pytest.approx(CLEAN.timestamp[-1] - CLEAN.timestamp[0], rel=0.01)


def test_slow_traffic_is_no_row_of_jumps() -> None:
    timestamps = 1e9 + np.arange(200) * 1.5
    times = steady(timestamps)
    assert np.allclose(np.diff(times)[1:], 1.5)


@pytest.mark.parametrize("by_s", [6.2, DAY_S, -DAY_S])
@pytest.mark.parametrize("begin", [320, 3333])
def test_features_after_a_stray_stamp(by_s: float, begin: int) -> None:
    graphs = relational(shifted(begin, begin + 1, by_s))
    same_id = CLEAN.arbitration_id[begin + 1 :] == CLEAN.arbitration_id[begin]
    until = begin + 1 + int(same_id.argmax())
    changed = unlike(graphs, relational(CLEAN), 0.2)
    # From the window with the stamp to the one with the next frame of its ID.
    assert set(changed) <= set(range(begin // 100, until // 100 + 1))


@pytest.mark.parametrize("by_s", [DAY_S, -DAY_S, 1.5e9])
@pytest.mark.parametrize("begin", [320, 3333])
def test_features_after_the_clock_was_set(by_s: float, begin: int) -> None:
    graphs, clean = relational(shifted(begin, None, by_s)), relational(CLEAN)
    assert begin // 100 in unlike(graphs, clean, 0.1)
    later = [w for w in unlike(graphs, clean, 0.5) if w > begin // 100 + 1]
    assert later == []


def test_repeated_session_goes_on_as_one() -> None:
    twice = Frames(
        timestamp=np.tile(CLEAN.timestamp, 2),
        arbitration_id=np.tile(CLEAN.arbitration_id, 2),
        dlc=np.tile(CLEAN.dlc, 2),
        payload=np.tile(CLEAN.payload, (2, 1)),
        label=np.tile(CLEAN.label, 2),
    )
    graphs = relational(twice)
    novelty = graphs.node_x[:, RelationalNode.NOVELTY]
    ratio = graphs.node_x[:, RelationalNode.INTERVAL_LOG_RATIO_MEAN]
    second = np.repeat(np.arange(len(graphs)), graphs.nodes) > len(CLEAN) // 100 + 20
    assert not novelty.any()
    assert np.abs(ratio[second]).max() < 1.0


def test_windows_last_as_long_as_frames_came() -> None:
    graphs, clean = relational(shifted(3333, None, DAY_S)), relational(CLEAN)
    assert graphs.duration_s.sum() == pytest.approx(clean.duration_s.sum(), rel=1e-3)
    assert graphs.start_s[-1] == clean.start_s[-1] + DAY_S


def without(graphs: PackedGraphs, windows: set[int]) -> np.ndarray:
    """Node features of all other windows."""
    of_node = np.repeat(np.arange(len(graphs)), graphs.nodes)
    kept: np.ndarray = graphs.node_x[~np.isin(of_node, list(windows))]
    return kept


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("timestamp", 0.0),
        ("timestamp", 4e9),
        ("arbitration_id", 0x7FF),
        ("arbitration_id", 0x8000_0001),
        ("dlc", 0),
        ("payload", 255),
    ],
)
@pytest.mark.parametrize("frame", [650, 3333])
def test_one_bad_value_of_any_column_leaves_other_windows_as_they_were(
    column: str, value: float, frame: int
) -> None:
    changed = {
        name: getattr(CLEAN, name).copy()
        for name in ("timestamp", "arbitration_id", "dlc", "payload", "label")
    }
    changed[column][frame] = value
    same_id = CLEAN.arbitration_id[frame + 1 :] == CLEAN.arbitration_id[frame]
    until = frame + 1 + int(same_id.argmax())
    touched = set(range(frame // 100, until // 100 + 1))
    after, clean = relational(Frames(**changed)), relational(CLEAN)
    # The worst column is the z-score of the ID whose frame it was: its deviation grew once.
    assert np.abs(without(after, touched) - without(clean, touched)).max() < 0.1


@pytest.mark.parametrize(("gap_s", "silence_s"), [(0.0005, 0.3), (0.0005, 0.9), (0.002, 0.5)])
def test_a_silence_of_the_whole_bus_makes_no_id_slow(gap_s: float, silence_s: float) -> None:
    timestamps = np.arange(4000) * gap_s
    timestamps[2000:] += silence_s
    gaps = np.diff(steady(timestamps))
    assert gaps.max() < 2 * gap_s


def test_a_slow_bus_may_be_silent_for_longer() -> None:
    timestamps = np.arange(400) * 0.02
    timestamps[200:] += 0.5
    assert np.array_equal(steady(timestamps), timestamps)


def test_the_usual_gap_is_a_running_mean_over_so_many_frames():
    """To the last bit, however its division is done."""
    times = np.cumsum(np.random.default_rng(0).integers(0, 900, 3000)).astype(np.float64) * 1e-6
    clock = SteadyClock()
    assert np.array_equal(clock.follow(times), times)
    usual = 0.0
    for frame, gap in enumerate(np.diff(times, prepend=times[0]).tolist()):
        usual += (gap - usual) / min(max(frame, 1), 1024)
    assert clock.state[ClockColumn.USUAL_GAP] == usual
    assert clock.state[ClockColumn.FRAMES] == 1024
    assert clock.state[ClockColumn.LAST] == times[-1]
