"""How early frames of a regular ID come: what an extra frame shows, and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from can_train.graphs.kernels.earliness import EARLY, QUICK_S
from tests.unit.frames_for_tests import make_frames
from tests.unit.graphs.graphs_for_tests import build, node

PERIOD_S = 0.01
OTHER = 9


def earliness(times: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float32]:
    """Of ID 5 at each of its times, while another ID is sent as well."""
    both = np.concatenate([times, others])
    ids = np.repeat([5, OTHER], [len(times), len(others)])
    order = np.argsort(both, kind="stable")
    graphs = build(make_frames(both[order], ids[order]), features="relational", window=2, stride=1)
    early = node(graphs, "relational", "earliness")[graphs.node_id == 5]
    seconds = np.repeat(graphs.start_s + graphs.duration_s, graphs.nodes)[graphs.node_id == 5]
    # A window of two frames shows a frame of the ID twice, first where it ends the window.
    return np.array([early[np.abs(seconds - t) < 1e-6][0] for t in times[1:]])


def jittered(period_s: float = PERIOD_S, count: int = 600) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return np.arange(count) * period_s + rng.uniform(0, 0.05 * period_s, count)


def with_extra(times: NDArray[np.float64], at_s: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.sort(np.concatenate([times, at_s]))


OTHERS = jittered(0.0037, 1600)


@pytest.mark.parametrize("phase", [0.02, 0.1, 0.3, 0.45, 0.55, 0.7, 0.9, 0.98])
def test_an_extra_frame_counts_once_wherever_in_a_period_it_comes(phase: float) -> None:
    extra = (np.arange(200, 600, 40) + phase) * PERIOD_S
    early = earliness(with_extra(jittered(), extra), OTHERS)
    assert np.count_nonzero(early > EARLY) == len(extra)
    assert np.max(early) <= 0.51


def test_what_merely_jitters_isnt_early() -> None:
    assert earliness(jittered(), OTHERS).max() < 0.1


def test_a_frame_that_is_held_up_makes_the_next_one_no_extra_one() -> None:
    times = jittered()
    times[300] += 0.9 * PERIOD_S
    held = times.copy()
    held[400:403] = held[403] - np.array([3e-4, 2e-4, 1e-4])
    for late in (times, held):
        assert earliness(late, OTHERS).max() < EARLY


def test_neither_slow_ids_nor_irregular_ones_are_told_early() -> None:
    slow = jittered(QUICK_S * 1.2, 200)
    others = jittered(0.0037, int(slow[-1] / 0.0037))
    rng = np.random.default_rng(1)
    events = np.cumsum(rng.exponential(PERIOD_S, 600))
    assert earliness(with_extra(slow, slow[50::20] + 0.01), others).max() == 0.0
    assert earliness(events, OTHERS).max() == 0.0


def test_a_clock_that_is_too_coarse_tells_nothing() -> None:
    extra = (np.arange(200, 600, 40) + 0.3) * PERIOD_S
    times = with_extra(jittered(), extra)
    coarse = np.repeat(np.floor(OTHERS / PERIOD_S) * PERIOD_S, 2)
    assert earliness(times, OTHERS).max() > EARLY
    assert earliness(times, coarse).max() == 0.0


def test_another_rate_is_learnt_within_a_second() -> None:
    """An ID that is sent twice as often from now on isn't attacked for long."""
    slow = jittered()
    quick = slow[-1] + jittered(PERIOD_S / 2, 2000)[1:]
    early = earliness(np.concatenate([slow, quick]), jittered(0.0037, 4400))
    assert early[len(slow) : len(slow) + 50].max() > EARLY
    assert early[len(slow) + 200 :].max() < EARLY
