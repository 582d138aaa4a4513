"""Attacks found, delays and false alarms per hour, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from can_train.alarms.rate import poisson_upper
from can_train.alarms.rule import AlarmRule
from can_train.evaluation.alarms import alarm_metrics, count_alarms
from tests.unit.evaluation.test_timeline import timeline

RULE = AlarmRule(k=2, n=3)


def scores(*above, windows=60):
    score = np.zeros(windows)
    score[list(above)] = 1.0
    return score


def metrics_of(found, *above):
    return alarm_metrics(
        [count_alarms(found, scores(*above, windows=len(found.attack)), 0.5, RULE)]
    )


def test_an_attack_that_is_found_and_one_that_is_only_noticed():
    found = metrics_of(timeline([10.2, 10.7, 11.2, 20.1]), 20, 21, 40)
    assert (found.episodes, found.found_by_alarm, found.found_by_notice) == (2, 1, 2)
    assert found.delay_median_s == pytest.approx(10.999 - 10.2)
    assert found.delay_p95_s == found.delay_median_s
    assert found.alarms_per_hour == found.notices_per_hour == 0.0


def test_false_events_are_counted_once_each_by_level():
    line = timeline([20.1])
    found = metrics_of(line, 2, 3, 4, 20, 58)
    hours = line.quiet_s / 3600
    assert found.found_by_notice == 0  # 20 is 10 s before the attack
    assert found.alarms_per_hour == pytest.approx(1 / hours)
    assert found.notices_per_hour == pytest.approx(3 / hours)
    assert found.notices_per_hour_upper == pytest.approx(poisson_upper(3) / hours)


def test_an_alarm_that_never_ends_is_not_one_false_alarm():
    line = timeline([], windows=240)
    found = metrics_of(line, *range(240))
    assert found.alarms_per_hour == pytest.approx(12 / (line.quiet_s / 3600))  # 120 s


def test_an_event_that_outlasts_the_attack_by_less_than_its_gap_is_no_false_alarm():
    assert metrics_of(timeline([10.2]), 20, 21, 23).notices_per_hour == 0.0
    assert metrics_of(timeline([10.2]), 20, 21, 30).notices_per_hour > 0.0


def test_an_alarm_before_the_attack_does_not_find_it():
    found = metrics_of(timeline([10.2]), 17, 18)
    assert (found.found_by_alarm, found.found_by_notice) == (0, 0)
    assert found.delay_median_s is None and found.alarms_per_hour > 0


def test_rates_before_and_after_an_attack():
    found = metrics_of(timeline([10.2]), 0, 1, 2, 3, 27, 40)
    assert found.fpr_before == pytest.approx(4 / 20)
    assert found.fpr_after == pytest.approx(1 / 29)  # 27 is within 5 s after it


def test_a_score_that_forgets_a_long_attack_shows_in_its_thirds():
    line = timeline(np.arange(5.1, 20.1, 0.5))
    found = metrics_of(line, *range(10, 15))
    assert found.recall_first_third == pytest.approx(5 / 10)
    assert found.recall_last_third == 0.0
    short = metrics_of(timeline(np.arange(5.1, 14.0, 0.5)), *range(10, 15))
    assert short.recall_first_third is None and short.recall_last_third is None


def test_what_is_not_there_is_undefined():
    found = metrics_of(timeline([]), 3)
    assert (found.episodes, found.fpr_before, found.fpr_after) == (0, None, None)
    attacked = metrics_of(timeline(np.arange(0.1, 30.0, 0.4)), 3)
    assert attacked.alarms_per_hour is None and attacked.alarms_per_hour_upper is None


def test_recordings_are_pooled_by_counts():
    one = count_alarms(timeline([10.2]), scores(20, 21), 0.5, RULE)
    other = count_alarms(timeline([5.1, 20.1]), scores(0, 1, 10, 11), 0.5, RULE)
    found = alarm_metrics([one, other])
    assert (found.episodes, found.found_by_alarm) == (3, 2)
    assert found.delay_median_s == pytest.approx(np.median([*one.delays_s, *other.delays_s]))
    hours = (one.quiet_s + other.quiet_s) / 3600
    assert found.alarms_per_hour == pytest.approx(1 / hours)


def test_overlapping_windows_count_time_and_frames_once():
    line = replace(timeline([]), apart=2, share=0.5)
    assert line.quiet_s == pytest.approx(timeline([]).quiet_s / 2)
    assert count_alarms(line, scores(4, 5), 0.5, RULE).false_alarms == 0
    assert count_alarms(line, scores(4, 6), 0.5, RULE).false_alarms == 1
