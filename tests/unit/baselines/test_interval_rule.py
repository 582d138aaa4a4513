"""The interval rule, on traffic whose intervals are known."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.baselines.interval_rule import (
    FEWEST,
    SHARE,
    UNKNOWN,
    IntervalRule,
    keys_of,
    log_intervals,
    previous_of,
)
from can_train.baselines.recording import UnlabelledRecording, unlabelled
from can_train.frames.frame import EXTENDED_FLAG
from tests.unit.frames_for_tests import make_frames, random_frames


def recording(times: list[float], ids: list[int]) -> UnlabelledRecording:
    return unlabelled(make_frames(times, ids), 10, 10)


def every(period_s: float, can_id: int, count: int = 100) -> tuple[list[float], list[int]]:
    return [k * period_s for k in range(count)], [can_id] * count


def fitted(*traffic: tuple[list[float], list[int]]) -> IntervalRule:
    rule = IntervalRule()
    rule.fit([recording(*each) for each in traffic])
    return rule


def test_a_frame_scores_by_the_factor_beyond_the_usual_intervals() -> None:
    rule = fitted(every(0.25, 5), every(0.5, 5))  # so 0.25 to 0.5 s are usual
    score = rule.score(recording([0, 0.25, 0.75, 1.0, 1.125, 2.125], [5] * 6))
    np.testing.assert_allclose(score, [0, 0, 0, 0, np.log(2), np.log(2)])


def test_a_share_of_odd_intervals_is_usual() -> None:
    times, ids = every(0.25, 5, 5001)
    gaps = np.diff(times)
    odd = int(SHARE * len(gaps))
    assert odd == 5
    gaps[:odd], gaps[-odd:] = 1e-3, 9.0
    rule = fitted((np.append(0.0, np.cumsum(gaps)).tolist(), ids))
    np.testing.assert_allclose(rule.score(recording([0, 0.125], [5, 5])), [0, np.log(2)])


def test_an_unknown_id_and_the_same_number_in_the_other_format_stand_out() -> None:
    rule = fitted(every(0.25, 5))
    flagged = 5 | int(EXTENDED_FLAG)
    assert rule.score(recording([0, 1, 2], [6, flagged, 5])).tolist() == [UNKNOWN, UNKNOWN, 0]
    assert rule.score(recording([0, 1], [0x7FF, 0])).tolist() == [UNKNOWN, UNKNOWN]


def test_nothing_is_said_of_an_id_that_was_seldom_seen() -> None:
    rule = fitted(every(0.25, 5, FEWEST), every(0.25, 6, FEWEST + 1))
    assert rule.score(recording([0, 1e-3], [5, 5])).tolist() == [0, 0]
    assert rule.score(recording([0, 1e-3], [6, 6]))[1] > 5


@pytest.mark.parametrize("seed", range(3))
def test_all_frames_at_once_are_what_one_after_the_other_gives(seed: int) -> None:
    found = unlabelled(random_frames(400, seed=seed), 10, 10)
    last: dict[tuple[int, bool], int] = {}
    previous = []
    for k, key in enumerate(zip(found.id.tolist(), found.extended.tolist(), strict=True)):
        previous.append(last.get(key, -1))
        last[key] = k
    assert previous_of(keys_of(found)).tolist() == previous
    gaps = [t - found.time[p] for t, p in zip(found.time, previous, strict=True)]
    pairs = zip(gaps, previous, strict=True)
    wanted = [np.nan if p < 0 else np.log(max(g, 1e-6)) for g, p in pairs]
    np.testing.assert_allclose(log_intervals(found), wanted)
