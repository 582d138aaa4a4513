"""What a page is told of a stream: summed up as it comes, handed over some ten times a second.

The thread that follows the stream puts in, the thread of the server takes out. Nothing that is kept
grows with the stream.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np

from can_train.alarms.rule import Severity
from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames
from can_train.frames.timing import recorded_s
from can_train.scoring.alerts import alert_record, moment_text
from can_train.serving.seen import IdStates
from can_train.streaming.detection import Alert, StreamSummary
from can_train.streaming.scorer import Decision

TICK_S: Final = 0.1
"""Time between two looks at the feed: what is sent doesn't depend on how many frames come."""

STATUS_S: Final = 1.0
"""Time between two messages about IDs and counters."""

MOST_POINTS: Final = 600
"""Points of the margin's line that a page begins with: a minute."""

MOST_ALARMS: Final = 50
"""Latest events that a page begins with, and that may wait for one look."""

MOST_NOTES: Final = 20
MOST_NAMED: Final = 16
"""IDs of an event that are named; the others count."""

Record = dict[str, Any]
Clock = Callable[[], float]


@dataclass(slots=True)
class _Highest:
    """The highest margin since the last look, and what is said of it."""

    margin: float = -math.inf
    p_value: float = 1.0
    above: bool = False
    severity: Severity = "quiet"

    def point(self, now_s: float) -> list[float | int] | None:
        """Time, margin, whether it is above the threshold; None: there was no window."""
        if not math.isfinite(self.margin):
            return None
        return [round(now_s, 3), float(f"{self.margin:.5g}"), int(self.above)]


class LiveFeed:
    """One stream, as a page shows it.

    Args:
        source: Its name.
        kind: What it is: `bus`, `replay` or `input`.
        clock: Gives seconds.
    """

    def __init__(self, source: str, kind: str, clock: Clock = time.monotonic) -> None:
        self._lock, self._clock = Lock(), clock
        self._about: Record = {"source": source, "kind": kind, "state": "waiting"}
        self._scorer = ""
        self._points: deque[list[float | int]] = deque(maxlen=MOST_POINTS)
        self._events: deque[Record] = deque(maxlen=MOST_ALARMS)
        self._untold: deque[Record] = deque(maxlen=MOST_ALARMS)
        self._notes: deque[Record] = deque(maxlen=MOST_NOTES)
        self._ids, self._alarming = IdStates(), frozenset[int]()
        self._highest, self._opening = _Highest(), list[Record]()
        self._p_value: float | None = None
        self._elapsed_s = 0.0
        self._last_s = np.zeros(0)
        self._frames = self._windows = self._dropped = self._left_out = 0
        self._alarms = self._notices = self._told = 0
        self._seen_frames, self._seen_s, self._seen_at = 0, 0.0, clock()
        self._rate = 0.0

    def calibrate(self, seconds: float) -> None:
        """Thresholds are being raised on the first traffic."""
        with self._lock:
            self._about |= {"state": "calibrating", "calibrating_s": seconds}

    def begin(self, detector: FrameScorer) -> None:
        """Detection begins, with the thresholds that the detector has now."""
        with self._lock:
            self._scorer = detector.own.spec.row
            self._about |= {
                "state": "running",
                "scorer": self._scorer,
                "threshold": detector.thresholds[self._scorer].value,
                "window": detector.spec.window,
                "rule": str(detector.rule),
            }

    def take(self, frames: Frames, dropped: int, left_out: int) -> None:
        """Frames that were scored; how many were dropped so far, and left out as CAN FD."""
        times = np.concatenate([self._last_s, frames.timestamp])
        span_s = recorded_s(times) if len(times) > 1 else 0.0
        with self._lock:
            self._last_s = times[-1:]
            self._elapsed_s += span_s
            self._frames += len(frames)
            self._dropped, self._left_out = dropped, left_out
            self._ids.take(frames.arbitration_id, self._elapsed_s)

    def decide(self, decision: Decision) -> None:
        """What is said of a window."""
        verdict = decision.verdicts[self._scorer]
        with self._lock:
            self._windows += 1
            highest = self._highest
            highest.severity = verdict.severity
            highest.above |= verdict.above
            if verdict.score > highest.margin:
                highest.margin, highest.p_value = verdict.score, verdict.p_value
            if self._windows == 1:
                self._opening = self._margin()

    def alert(self, alert: Alert) -> None:
        """There is something to tell of an event: an alarm, and the end of one."""
        if alert.event.severity != "alarm":
            with self._lock:
                self._notices += 1
            return
        record = alert_record(alert, self._scorer)
        ids = record["ids"]
        suspects = alert.event.ids or tuple(reason.id for reason in alert.reasons)
        at_s = alert.event.first_alarm_s or alert.event.end_s
        with self._lock:
            began = alert.state == "alarm"
            self._alarms += began
            self._alarming = frozenset(suspects) if began else frozenset()
            self._told += 1
            record |= {
                "number": self._alarms,
                "told": self._told,
                "moment": moment_text(at_s),
                "at_s": round(self._elapsed_s, 3),
                "ids": ids[:MOST_NAMED],
                "more_ids": max(len(ids) - MOST_NAMED, 0),
            }
            for kept in (self._events, self._untold):
                kept.append(record)

    def note(self, line: str) -> None:
        """Something about the source, such as that a bus is gone."""
        with self._lock:
            self._notes.append({"type": "note", "text": line})

    def end(self, summary: StreamSummary, dropped: int) -> None:
        """The stream is over."""
        with self._lock:
            self._dropped = dropped
            self._about["state"] = "over"
            self._alarming = frozenset()

    def snapshot(self) -> Record:
        """All that a page begins with."""
        with self._lock:
            return {
                "type": "hello",
                **self._about,
                "points": list(self._points),
                "p_value": self._p_value,
                "events": list(self._events),
                "status": self._status(),
            }

    def latest_events(self) -> list[Record]:
        """What was told of events last."""
        with self._lock:
            return list(self._events)

    def tick(self) -> list[Record]:
        """What there is to tell since the last look; at most so many records, whatever came."""
        with self._lock:
            margins = [*self._opening, *self._margin()]
            self._points += [margin["point"] for margin in margins]
            told = [*margins, *self._untold]
            self._opening = []
            self._untold.clear()
            if self._clock() - self._seen_at >= STATUS_S:
                self._measure()
                told.append(self._status())
            return told

    def _margin(self) -> list[Record]:
        """The highest margin since the last call as a point of the line, if there was a window.

        The first window has a point of its own, so that no alarm comes before the line begins.
        """
        highest, point = self._highest, self._highest.point(self._elapsed_s)
        self._highest = _Highest(severity=highest.severity)
        if point is None:
            return []
        self._p_value = float(f"{highest.p_value:.3g}")
        told = {"point": point, "severity": highest.severity, "p_value": self._p_value}
        return [{"type": "margin", **told}]

    def _measure(self) -> None:
        """Rates since the last time; while nothing comes, time goes on by our own clock."""
        now = self._clock()
        frames = self._frames - self._seen_frames
        if frames == 0 and self._windows and self._about["state"] == "running":
            self._elapsed_s += now - self._seen_at
        span_s = self._elapsed_s - self._seen_s
        self._ids.measure(span_s)
        self._rate = frames / (now - self._seen_at)
        self._seen_frames, self._seen_s, self._seen_at = self._frames, self._elapsed_s, now

    def _status(self) -> Record:
        """Counters and IDs."""
        return {
            "type": "status",
            "state": self._about["state"],
            "threshold": self._about.get("threshold"),
            "elapsed_s": round(self._elapsed_s, 1),
            "frames": self._frames,
            "windows": self._windows,
            "rate": round(self._rate, 1),
            "alarms": self._alarms,
            "notices": self._notices,
            "dropped": self._dropped,
            "left_out": self._left_out,
            "ids": self._ids.rows(self._elapsed_s, self._alarming),
            "untold_frames": self._ids.untold,
            "notes": list(self._notes),
        }
