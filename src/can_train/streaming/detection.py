"""Alarms of a stream as they happen, and what there was of it in sum."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from can_train.alarms.events import EVENT_GAP_S, Event
from can_train.alarms.rate import poisson_upper
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import Explainer, KeptWindow, Reason
from can_train.frames.frame import Frames
from can_train.frames.timing import recorded_s
from can_train.streaming.opening import stream_of
from can_train.streaming.scorer import Decision

_S_PER_HOUR: Final = 3600.0
_SHORTEST_S: Final = 1e-6
_PER_DECADE: Final = 50
"""Classes of durations per factor of ten: each is 5 % wide."""

_CLASSES: Final = 8 * _PER_DECADE


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is told of an event.

    Attributes:
        state: `alarm` when the alarm rule fires first, `over` when nothing can belong to it any
            more; a notice is only told of when it is over.
        event: What is known of it by then.
        p_value: How rare its peak is among benign windows.
        first_frame: First frame of its first window in the stream, from 0.
        stop_frame: The one behind the last frame of its last window.
        reasons: What moved the margin of its peak.
    """

    state: Literal["alarm", "over"]
    event: Event
    p_value: float
    first_frame: int
    stop_frame: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSummary:
    """A stream in sum.

    Attributes:
        frames: Frames that were taken.
        windows: Windows that were scored.
        duration_s: Seconds in which frames came, on their own clock.
        alarms: Events with an alarm.
        notices: Events without one.
        alarms_per_hour: None where no time went by.
        alarms_per_hour_upper: Its upper 95 % bound, exact for Poisson counts.
        decision_ms: Median and 99th percentile of the time for a decision, to 5 %; None without.
    """

    frames: int
    windows: int
    duration_s: float
    alarms: int
    notices: int
    alarms_per_hour: float | None
    alarms_per_hour_upper: float | None
    decision_ms: tuple[float, float] | None


class Detection:
    """Follows one stream by a detector's own scorer; what is kept doesn't grow.

    Args:
        detector: The detector with those that it fuses.
        words: 64-bit words per payload (1, or 8 for CAN FD).
        watch: Takes the decision of every window, for whoever wants more than alarms.
    """

    def __init__(
        self,
        detector: FrameScorer,
        *,
        words: int = 1,
        watch: Callable[[Decision], None] | None = None,
    ) -> None:
        self.scorer = detector.own.spec.row
        self._watch = watch
        self._stream = stream_of(detector, words=words)
        self._window = detector.spec.window
        self._evidence = detector.own.evidence
        self._followed = _Followed()
        self._explainer = Explainer(detector)
        self._durations = np.zeros(_CLASSES, np.int64)
        self._frames = self._windows = self._alarms = self._notices = 0
        self._duration_s = 0.0
        self._last_s = np.zeros(0)

    def warm(self, frames: Frames) -> None:
        """Takes frames that come first and that nothing is told of."""
        self._last_s = frames.timestamp[-1:]
        for _ in self._stream.push(frames):
            pass

    def take(self, frames: Frames) -> Iterator[Alert]:
        """Takes the next frames; gives what there is to tell, with the window that shows it."""
        self._frames += len(frames)
        times = np.concatenate([self._last_s, frames.timestamp])
        if len(times) > 1:
            self._duration_s += recorded_s(times)
        self._last_s = times[-1:]
        began = time.perf_counter()
        for decision in self._stream.push(frames):
            alerts = list(self._told(decision))
            self._durations[_class_of(time.perf_counter() - began)] += 1
            self._windows += 1
            if self._watch is not None:
                self._watch(decision)
            yield from alerts
            began = time.perf_counter()

    def end(self) -> Iterator[Alert]:
        """Gives what is over because the stream is."""
        if self._followed.begun:
            yield self._over(self._event())

    def summary(self) -> StreamSummary:
        """What there was so far."""
        hours = self._duration_s / _S_PER_HOUR
        return StreamSummary(
            frames=self._frames,
            windows=self._windows,
            duration_s=self._duration_s,
            alarms=self._alarms,
            notices=self._notices,
            alarms_per_hour=self._alarms / hours if hours > 0 else None,
            alarms_per_hour_upper=poisson_upper(self._alarms) / hours if hours > 0 else None,
            decision_ms=self._percentiles_ms(),
        )

    def _told(self, decision: Decision) -> Iterator[Alert]:
        verdict = decision.verdicts[self.scorer]
        ended = decision.ended.get(self.scorer)
        if ended is not None and self._followed.begun:
            yield self._over(ended)
        followed = self._followed  # Another one than before, if that was over.
        if verdict.above:
            followed.see(decision, self._window)
            if verdict.score > followed.peak_score:
                followed.peak_score, followed.peak = verdict.score, self._kept(decision.start)
            if verdict.severity == "alarm" and not followed.alarmed:
                followed.alarmed = True
                self._alarms += 1
                yield self._alert("alarm", self._event())
        elif followed.begun and followed.is_far_from(decision):
            yield self._over(self._event())

    def _event(self) -> Event:
        """The latest event so far; there is one."""
        event = self._stream.event(self.scorer)
        assert event is not None
        return event

    def _over(self, event: Event) -> Alert:
        self._notices += not self._followed.alarmed
        alert = self._alert("over", event)
        self._followed = _Followed()
        return alert

    def _alert(self, state: Literal["alarm", "over"], event: Event) -> Alert:
        peak = self._followed.peak
        return Alert(
            state=state,
            event=event,
            p_value=float(self._evidence.p_value(event.peak_score)),
            first_frame=self._followed.first_frame,
            stop_frame=self._followed.stop_frame,
            reasons=() if peak is None else self._explainer.reasons(peak),
        )

    def _kept(self, start: int) -> KeptWindow:
        """A copy of the latest window."""
        graphs = self._stream.graphs
        return KeptWindow.of_live(graphs.graph, start, graphs.frames.arbitration_id[graphs.window])

    def _percentiles_ms(self) -> tuple[float, float] | None:
        if not self._windows:
            return None
        upto = np.cumsum(self._durations) / self._windows
        median, high = (int(np.searchsorted(upto, share)) for share in (0.5, 0.99))
        return _upper_end_ms(median), _upper_end_ms(high)


@dataclass(slots=True)
class _Followed:
    """The event that is going on, if `begun`."""

    begun: bool = False
    alarmed: bool = False
    first_frame: int = 0
    stop_frame: int = 0
    last_s: float = 0.0
    peak_score: float = -math.inf
    peak: KeptWindow | None = None

    def see(self, decision: Decision, window: int) -> None:
        """Takes a window above the threshold."""
        if not self.begun:
            self.begun, self.first_frame = True, decision.start
        self.stop_frame, self.last_s = decision.start + window, decision.end_s

    def is_far_from(self, decision: Decision) -> bool:
        """Whether no later window can belong to it, unless the clock is set."""
        return decision.start_s - self.last_s > EVENT_GAP_S


def _class_of(seconds: float) -> int:
    at = int(math.log10(max(seconds, _SHORTEST_S) / _SHORTEST_S) * _PER_DECADE)
    return min(at, _CLASSES - 1)


def _upper_end_ms(at: int) -> float:
    return 1e3 * _SHORTEST_S * math.pow(10.0, (at + 1) / _PER_DECADE)
