"""What a page is told: nothing that matters is lost, and nothing grows with the stream."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from can_train.alarms.events import Event
from can_train.alarms.rule import AlarmRule
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import Reason
from can_train.frames.frame import Frames
from can_train.serving.feed import MOST_ALARMS, MOST_NAMED, MOST_NOTES, MOST_POINTS, LiveFeed
from can_train.streaming.detection import Alert, Detection
from can_train.streaming.pacing import in_pieces
from can_train.streaming.scorer import Decision, WindowVerdict
from tests.unit.streaming.streams_for_tests import CAR, fused
from tests.unit.vehicle.cars_for_tests import attacked


class HandClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    found = fused()
    found.rule = AlarmRule(k=6, n=10)
    return found


@pytest.fixture(scope="module")
def drive() -> Frames:
    return attacked(CAR, "fuzz-known").frames


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def feed(detector: FrameScorer, clock: HandClock) -> LiveFeed:
    found = LiveFeed("drive.log", "replay", clock)
    found.begin(detector)
    return found


def decision(score: float, *, above: bool = False) -> Decision:
    verdict = WindowVerdict(score=score, p_value=0.5, above=above, severity="quiet")
    return Decision(start=0, start_s=0.0, end_s=0.1, verdicts={"fusion": verdict}, ended={})


def alert(
    state: Literal["alarm", "over"], *, ids: tuple[int, ...] = (0x123,),
    severity: Literal["notice", "alarm"] = "alarm",
) -> Alert:  # fmt: skip
    event = Event(
        severity=severity, start_s=1.0, end_s=2.0, first_alarm_s=1.5, peak_s=1.2, peak_score=9.0,
        windows=3, ids=ids, kind="unknown",
    )  # fmt: skip
    reason = Reason(id=0x456, drop=1.0, feature="node", frames=(1, 2))
    return Alert(state=state, event=event, p_value=0.01, first_frame=0, stop_frame=50,
                 reasons=(reason,))  # fmt: skip


def test_a_whole_attack_is_told_with_every_alarm_and_no_peak_lost(
    detector: FrameScorer, drive: Frames, clock: HandClock, feed: LiveFeed
) -> None:
    decided: list[float] = []

    def watch(found: Decision) -> None:
        decided.append(found.verdicts["fusion"].score)
        feed.decide(found)

    detection = Detection(detector, watch=watch)
    told, alerts = [], []
    highest: list[float] = []
    for piece in in_pieces(drive):
        for each in detection.take(piece):
            alerts.append(each)
            feed.alert(each)
        feed.take(piece, 0, 0)
        highest += [decided.pop(0)] * (not highest)
        highest.append(max(decided))
        decided.clear()
        clock.now += 0.5
        told.append(feed.tick())
    for each in detection.end():
        alerts.append(each)
        feed.alert(each)
    feed.end(detection.summary(), 7)
    clock.now += 1.0
    told.append(feed.tick())
    margins = [record for records in told for record in records if record["type"] == "margin"]
    assert [record["point"][1] for record in margins] == pytest.approx(highest, rel=1e-4)
    events = [r for records in told for r in records if r["type"] in ("alarm", "over")]
    alarms = [each for each in alerts if each.event.severity == "alarm"]
    assert [r["type"] for r in events] == [each.state for each in alarms]
    assert len(events) >= 2
    summary, status = detection.summary(), told[-1][-1]
    assert status["type"] == "status" and status["state"] == "over"
    assert (status["frames"], status["windows"]) == (len(drive), summary.windows)
    assert (status["alarms"], status["notices"]) == (summary.alarms, summary.notices)
    assert status["dropped"] == 7
    assert sum(row["frames"] for row in status["ids"]) == len(drive)
    assert {row["id"] for row in status["ids"]} == {
        f"{each:03X}" for each in np.unique(drive.arbitration_id).tolist()
    }


def test_an_alarm_before_the_first_look_is_within_the_line(feed: LiveFeed, drive: Frames) -> None:
    feed.decide(decision(1.0))
    feed.alert(alert("alarm"))
    feed.take(drive, 0, 0)
    feed.decide(decision(2.0, above=True))
    assert feed.snapshot()["points"] == []  # else a page that comes now is told of it twice
    told = feed.tick()
    assert [record["type"] for record in told[:3]] == ["margin", "margin", "alarm"]
    points = feed.snapshot()["points"]
    assert points == [record["point"] for record in told[:2]]
    assert points[0][0] <= told[2]["at_s"] <= points[1][0]
    assert feed.tick() == []


def test_a_page_begins_with_what_there_was(feed: LiveFeed, drive: Frames) -> None:
    feed.decide(decision(1.25))
    feed.take(drive[:100], 0, 0)
    feed.tick()
    feed.alert(alert("alarm"))
    hello = feed.snapshot()
    assert (hello["type"], hello["source"], hello["state"]) == ("hello", "drive.log", "running")
    assert [point[1:] for point in hello["points"]] == [[1.25, 0]]
    assert hello["p_value"] == 0.5
    assert [event["number"] for event in hello["events"]] == [1]
    assert hello["status"]["frames"] == 100
    json.dumps(hello, allow_nan=False)


def test_nothing_grows_with_the_stream(feed: LiveFeed, clock: HandClock) -> None:
    for number in range(2 * MOST_POINTS):
        feed.decide(decision(float(number)))
        feed.alert(alert("alarm", ids=tuple(range(1000))))
        feed.alert(alert("over", ids=tuple(range(1000))))
        feed.note(f"note {number}")
        clock.now += 0.1
        if number % 200 == 199:
            assert len(feed.tick()) <= MOST_ALARMS + 3
    hello = feed.snapshot()
    assert len(hello["points"]) <= MOST_POINTS
    assert len(hello["events"]) == len(feed.latest_events()) == MOST_ALARMS
    assert len(hello["status"]["notes"]) == MOST_NOTES
    event = hello["events"][-1]
    assert (len(event["ids"]), event["more_ids"]) == (MOST_NAMED, 1000 - MOST_NAMED)
    assert len(json.dumps(hello)) < 200_000


def test_an_id_is_alarming_until_the_alarm_is_over(
    feed: LiveFeed, drive: Frames, clock: HandClock
) -> None:
    named = int(drive.arbitration_id[0])
    frames = drive[:50]

    def state() -> str:
        clock.now += 1.0
        feed.take(frames, 0, 0)
        (status,) = (r for r in feed.tick() if r["type"] == "status")
        return next(r["state"] for r in status["ids"] if r["id"] == f"{named:03X}")

    assert state() == "seen"
    feed.alert(alert("alarm", ids=(named,)))
    assert state() == "alarming"
    feed.alert(alert("over", ids=(named,)))
    assert state() == "seen"
    feed.alert(replace(alert("alarm"), event=replace(alert("alarm").event, ids=())))
    assert state() == "seen"  # 456 alone moved the margin


def test_time_goes_on_where_no_frame_comes(feed: LiveFeed, drive: Frames, clock: HandClock) -> None:
    for begin in (0, 5000, 10_000):
        feed.decide(decision(0.0))
        feed.take(drive[begin : begin + 5000], 0, 0)
        clock.now += 1.0
        feed.tick()
    assert feed.snapshot()["status"]["rate"] == 5000.0
    for _ in range(100):
        clock.now += 1.0
        told = feed.tick()
    assert [record["type"] for record in told] == ["status"]
    assert told[0]["rate"] == 0.0
    assert {row["state"] for row in told[0]["ids"]} == {"silent"}
    passed_s = float(drive.timestamp[14_999] - drive.timestamp[0])
    assert told[0]["elapsed_s"] == pytest.approx(passed_s + 100, abs=0.1)


def test_between_two_windows_there_is_nothing_to_tell(feed: LiveFeed, clock: HandClock) -> None:
    assert feed.tick() == []
    feed.decide(decision(0.5))
    feed.decide(decision(2.0, above=True))
    feed.decide(decision(1.0))
    opening, margin = feed.tick()
    assert opening["point"][1:] == [0.5, 0]
    assert margin["point"][1:] == [2.0, 1]
    assert feed.tick() == []


def test_a_notice_counts_and_is_no_event(feed: LiveFeed, clock: HandClock) -> None:
    feed.alert(alert("over", severity="notice"))
    clock.now += 1.0
    (status,) = feed.tick()
    assert (status["notices"], status["alarms"], feed.latest_events()) == (1, 0, [])


def test_calibration_is_a_state_of_its_own(detector: FrameScorer) -> None:
    feed = LiveFeed("can0", "bus")
    assert feed.snapshot()["state"] == "waiting"
    feed.calibrate(120.0)
    hello = feed.snapshot()
    assert (hello["state"], hello["calibrating_s"]) == ("calibrating", 120.0)
    feed.begin(detector)
    assert feed.snapshot()["threshold"] == detector.thresholds["fusion"].value
