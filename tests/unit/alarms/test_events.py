"""Windows above the threshold become events with a severity, a peak and a first alarm."""

import numpy as np
import pytest

from can_train.alarms.events import EVENT_GAP_S, RecordingScores, event_starts, events_of
from can_train.alarms.rule import AlarmRule


def scored(score, seconds=0.5):
    start_s = 10.0 + seconds * np.arange(len(score))
    return RecordingScores(
        start_s=start_s, end_s=start_s + seconds, score=np.array(score, float), threshold=1.0
    )


def test_no_window_above_is_no_event():
    assert events_of(scored([0, 1, 1])) == ()
    assert events_of(scored([])) == ()


def test_windows_close_together_are_one_event_with_its_peak_and_first_alarm():
    (event,) = events_of(scored([0, 2, 0, 5, 3, 0]), AlarmRule(k=3, n=10))
    assert (event.severity, event.windows) == ("alarm", 3)
    assert (event.start_s, event.end_s) == (10.5, 12.5)
    assert (event.peak_s, event.peak_score) == (11.5, 5.0)
    assert event.first_alarm_s == 12.5
    assert (event.ids, event.kind) == ((), "unknown")


def test_windows_far_apart_are_notices_of_their_own():
    events = events_of(scored([2, 0, 0, 0, 0, 0, 2]), AlarmRule(k=2, n=2))
    assert [(e.severity, e.start_s, e.first_alarm_s) for e in events] == [
        ("notice", 10.0, None),
        ("notice", 13.0, None),
    ]


def test_the_gap_counts_from_the_end_of_one_to_the_start_of_the_next():
    assert event_starts(np.array([0.0, 1.0 + EVENT_GAP_S]), np.array([1.0, 9.0])).tolist() == [0]
    later = np.array([0.0, 1.01 + EVENT_GAP_S])
    assert event_starts(later, np.array([1.0, 9.0])).tolist() == [0, 1]


def test_clock_that_is_set_back_begins_an_event_and_does_not_join_those_after_it() -> None:
    start_s = np.array([100.0, 101.0, 5.0, 6.0, 30.0])
    assert event_starts(start_s, start_s + 0.5).tolist() == [0, 2, 4]


def test_a_span_within_another_does_not_end_the_event():
    starts = event_starts(np.array([0.0, 1.0, 9.5]), np.array([8.0, 2.0, 10.0]))
    assert starts.tolist() == [0]


@pytest.mark.parametrize(("apart", "severity"), [(1, "alarm"), (5, "notice")])
def test_overlapping_windows_of_one_frame_are_a_notice(apart, severity):
    (event,) = events_of(scored([0, 0, 2, 2, 2, 2, 2, 0], 0.05), AlarmRule(k=2, n=3), apart)
    assert event.severity == severity
