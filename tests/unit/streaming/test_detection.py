"""What is told of a stream is what `score` finds in the whole recording, as soon as it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.alarms.events import EVENT_GAP_S, Event, RecordingScores, events_of
from can_train.alarms.rate import poisson_upper
from can_train.alarms.rule import AlarmRule
from can_train.alarms.sightings import sightings_of
from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames
from can_train.graphs.build import build_graphs
from can_train.streaming.detection import Alert, Detection
from can_train.streaming.pacing import in_pieces
from can_train.streaming.scorer import Decision
from tests.unit.streaming.streams_for_tests import CAR, WINDOW, fused
from tests.unit.vehicle.cars_for_tests import attacked


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    found = fused()
    found.rule = AlarmRule(k=6, n=10)
    return found


@pytest.fixture(scope="module")
def drive() -> Frames:
    return attacked(CAR, "fuzz-known").frames


@pytest.fixture(scope="module")
def events(detector: FrameScorer, drive: Frames) -> tuple[Event, ...]:
    scored = detector.score(drive)
    graphs = build_graphs(drive, detector.spec)
    timed = RecordingScores(
        start_s=scored.start_s,
        end_s=scored.end_s,
        score=scored.score["fusion"],
        threshold=detector.thresholds["fusion"].value,
    )
    seen = sightings_of(graphs, np.arange(len(graphs)), detector.spec)
    found = events_of(timed, detector.rule, 1, seen)
    assert {event.severity for event in found} == {"alarm", "notice"}
    return found


def told(detection: Detection, frames: Frames) -> list[Alert]:
    found = [alert for piece in in_pieces(frames) for alert in detection.take(piece)]
    return [*found, *detection.end()]


def test_every_event_is_told_when_it_is_over(
    detector: FrameScorer, drive: Frames, events: tuple[Event, ...]
) -> None:
    over = [a for a in told(Detection(detector), drive) if a.state == "over"]
    assert len(over) == len(events)
    for alert, event in zip(over, events, strict=True):
        same = replace(alert.event, peak_score=event.peak_score)
        assert same == event
        assert alert.event.peak_score == pytest.approx(event.peak_score, abs=1e-5)
        assert drive.timestamp[alert.first_frame] == event.start_s
        assert drive.timestamp[alert.stop_frame - 1] == event.end_s
        assert alert.reasons[0].drop > 0
        assert alert.first_frame <= min(alert.reasons[0].frames) < alert.stop_frame
        p_value = detector.evidence["fusion"].p_value(event.peak_score)
        assert alert.p_value == pytest.approx(float(p_value), rel=1e-3)


def test_an_event_that_ends_with_the_begin_of_the_next_leaves_that_whole(
    detector: FrameScorer, drive: Frames
) -> None:
    """Of ten thresholds some make a window above theirs the first that is far from those before."""
    together = 0
    usual = detector.own.threshold
    score = detector.score(drive).score["fusion"]
    try:
        for value in np.quantile(score, np.linspace(0.94, 0.99, 10)):
            detector.own.threshold = replace(usual, value=float(value), real_value=float(value))
            decisions = list[Decision]()
            found = told(Detection(detector, watch=decisions.append), drive)
            over = [alert for alert in found if alert.state == "over"]
            assert [drive.timestamp[alert.first_frame] for alert in over] == [
                alert.event.start_s for alert in over
            ]
            alarms = [alert for alert in found if alert.state == "alarm"]
            assert len(alarms) == sum(alert.event.severity == "alarm" for alert in over)
            quiet_s = [one.start_s for one in decisions if not one.verdicts["fusion"].above]
            for begun in (each for each in decisions if "fusion" in each.ended):
                end_s = begun.ended["fusion"].end_s
                together += not any(end_s + EVENT_GAP_S < at < begun.start_s for at in quiet_s)
    finally:
        detector.own.threshold = usual
    assert together > 0


def test_an_alarm_is_told_with_the_window_that_fires(
    detector: FrameScorer, drive: Frames, events: tuple[Event, ...]
) -> None:
    detection = Detection(detector)
    at_s = []
    for begin in range(0, len(drive), 10):
        piece = drive[begin : begin + 10]
        for alert in detection.take(piece):
            if alert.state == "alarm":
                at_s.append((alert.event.first_alarm_s, float(piece.timestamp[-1])))
    expected = [event.first_alarm_s for event in events if event.severity == "alarm"]
    assert [first for first, _ in at_s] == expected
    assert all(0 <= now - first < 0.1 for first, now in at_s if first is not None)


def test_the_summary_counts(
    detector: FrameScorer, drive: Frames, events: tuple[Event, ...]
) -> None:
    detection = Detection(detector)
    assert detection.summary().decision_ms is None
    told(detection, drive)
    summary = detection.summary()
    alarms = sum(event.severity == "alarm" for event in events)
    assert (summary.alarms, summary.notices) == (alarms, len(events) - alarms)
    assert summary.frames == len(drive)
    assert summary.windows == (len(drive) - WINDOW) // WINDOW + 1
    assert summary.duration_s == pytest.approx(np.ptp(drive.timestamp), rel=1e-3)
    hours = summary.duration_s / 3600
    assert summary.alarms_per_hour == pytest.approx(alarms / hours)
    assert summary.alarms_per_hour_upper == pytest.approx(poisson_upper(alarms) / hours)
    assert summary.decision_ms is not None
    assert 0 < summary.decision_ms[0] <= summary.decision_ms[1] < 10_000


def test_nothing_is_told_of_what_it_is_warmed_by(detector: FrameScorer, drive: Frames) -> None:
    half = len(drive) // 2
    detection = Detection(detector)
    detection.warm(drive[:half])
    found = told(detection, drive[half:])
    assert detection.summary().frames == len(drive) - half
    assert found and min(alert.stop_frame for alert in found) > half
