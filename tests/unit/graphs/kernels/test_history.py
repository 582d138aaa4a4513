"""What is remembered of every ID, seen in the features of later windows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.frames_for_tests import make_frames
from tests.unit.graphs.graphs_for_tests import build, node


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


def test_how_an_id_began_is_forgotten_within_seconds():
    """A control unit that wakes up sends irregularly: its ID counts as such for a while.

    Around its period, that is: a mean that began too high comes down slowly, for an attack's sake.
    """
    rng = np.random.default_rng(0)
    waking = np.cumsum(rng.choice([0.002, 0.018], 60))
    times = np.concatenate([waking, waking[-1] + np.arange(1, 4000) * 0.01])
    graphs = build(
        make_frames(times, np.full(len(times), 5)), features="relational", window=50, stride=50
    )
    variation = node(graphs, "relational", "interval_variation")
    assert variation[1] > 0.3
    assert variation[graphs.start_s > waking[-1] + 20].max() < 0.1


def test_an_attack_widens_the_deviation_slowly():
    """What lies outside stays outside, however long it goes on."""
    benign = np.arange(0, 60, 0.01)
    injected = np.arange(30, 50, 0.001) + 0.0003
    times = np.sort(np.concatenate([benign, injected]))
    graphs = build(
        make_frames(times, np.full(len(times), 5)), features="relational", window=50, stride=50
    )
    ratio = node(graphs, "relational", "interval_z_mean")
    late = ratio[(graphs.start_s > 48) & (graphs.start_s < 49.9)]
    assert late.max() < -2.0


def bus_rate(times: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By window of 50 frames: when it starts [s], and how fast the bus is beside what it should."""
    order = np.argsort(times, kind="stable")
    frames = make_frames(times[order], ids[order])
    graphs = build(frames, features="relational", window=50, stride=50)
    first = np.flatnonzero(
        np.diff(np.repeat(np.arange(len(graphs.start)), graphs.nodes), prepend=-1)
    )
    return graphs.start_s, node(graphs, "relational", "bus_rate_log_ratio")[first]


def cyclic(ids: range, period_s: float, start_s: float, end_s: float) -> tuple[np.ndarray, ...]:
    """Times and IDs of control units that take turns within each period."""
    at = np.arange(start_s, end_s, period_s)[:, None]
    turn = period_s * np.arange(len(ids)) / len(ids)
    return (at + turn).ravel(), np.tile(np.array(ids), len(at))


def test_a_bus_that_is_switched_on_is_as_fast_as_it_should_be_within_seconds():
    asleep, awake = cyclic(range(1, 11), 0.1, 0, 40), cyclic(range(50, 90), 0.02, 20, 40)
    start_s, rate = bus_rate(*map(np.concatenate, zip(asleep, awake, strict=True)))
    assert np.abs(rate[(start_s > 6) & (start_s < 19)]).max() < 0.1
    assert rate[(start_s > 20.1) & (start_s < 20.3)].max() < -2.0
    assert np.abs(rate[start_s > 21]).max() < 0.1


def test_a_flood_is_as_visible_after_a_minute_as_after_a_second():
    genuine, flood = cyclic(range(1, 11), 0.01, 0, 80), cyclic(range(0, 1), 5e-4, 10, 70)
    start_s, rate = bus_rate(*map(np.concatenate, zip(genuine, flood, strict=True)))
    assert rate[(start_s > 11) & (start_s < 69)].max() == pytest.approx(
        np.log(1250 / 3000), abs=0.1
    )
    assert np.ptp(rate[(start_s > 11) & (start_s < 69)]) < 0.1
    assert np.abs(rate[start_s > 71]).max() < 0.1


def test_a_clock_that_steps_is_forgotten_within_a_second():
    times, ids = cyclic(range(1, 11), 0.01, 0, 30)
    for step_s in (0.5, 86_400.0):
        start_s, rate = bus_rate(times + np.where(times > 15, step_s, 0), ids)
        since = start_s - np.where(start_s > 15, step_s, 0)
        assert np.abs(rate[(since > 6) & ((since < 14.9) | (since > 16))]).max() < 0.1
