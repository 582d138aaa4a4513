"""The alarm rule: its bounds, its memory, and windows that overlap."""

import numpy as np
import pytest

from can_train.alarms.rule import (
    DEFAULT_RULE,
    SEVERITIES,
    AlarmRule,
    AlarmStage,
    severities_of,
    windows_apart,
)
from can_train.errors import ConfigError, TrainingError


@pytest.mark.parametrize(("k", "n"), [(0, 3), (4, 3), (-1, 1)])
def test_a_rule_that_can_never_or_always_fire_is_refused(k, n):
    with pytest.raises(ConfigError, match=f"an alarm at {k} of the last {n} windows can't be"):
        AlarmRule(k=k, n=n)


def test_the_default_alarms_at_the_second_of_ten():
    assert str(DEFAULT_RULE) == "2 of 10"
    score = np.zeros(16)
    score[[0, 4]] = 1.0
    found = [SEVERITIES[severity] for severity in severities_of(score, 0.5)]
    assert found == ["notice", *["quiet"] * 3, *["alarm"] * 6, *["quiet"] * 6]


def test_a_window_is_forgotten_after_n():
    score = np.zeros(12)
    score[[0, 4, 10]] = 1.0
    assert severities_of(score, 0.5, AlarmRule(k=3, n=10)).max() == 1
    score[9] = 1.0
    assert np.flatnonzero(severities_of(score, 0.5, AlarmRule(k=3, n=10)) == 2).tolist() == [
        9,
        10,
        11,
    ]


def test_a_score_at_the_threshold_is_not_above_it():
    assert severities_of([0.5, 0.5, 0.5], 0.5).tolist() == [0, 0, 0]


def test_one_frame_in_several_overlapping_windows_is_no_alarm():
    apart = windows_apart(100, 10)
    assert apart == 10
    score = np.zeros(60)
    score[20:30] = 1.0  # all ten windows that hold one frame
    assert severities_of(score, 0.5, AlarmRule(k=2, n=5), apart).max() == 1
    assert severities_of(score, 0.5, AlarmRule(k=2, n=5)).max() == 2
    score[30] = 1.0  # the first that shares no frame with the first of them
    assert np.flatnonzero(severities_of(score, 0.5, AlarmRule(k=2, n=5), apart) == 2)[0] == 30


@pytest.mark.parametrize(("stride", "apart"), [(100, 1), (99, 2), (50, 2), (200, 1), (1, 100)])
def test_windows_apart(stride, apart):
    assert windows_apart(100, stride) == apart


def test_scores_of_a_diverged_model_are_refused_by_both():
    with pytest.raises(TrainingError, match="1 of 2 window scores are NaN"):
        severities_of([0.0, float("nan")], 0.5)
    with pytest.raises(TrainingError, match="1 of 1 window scores are NaN"):
        AlarmStage(0.5).update(float("nan"))
