"""Events as a stream brings them: those that `events_of` finds in the whole recording.

What is kept doesn't grow: 200 quiet windows, and of an event what its windows show in sum.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from can_train.alarms.events import EVENT_GAP_S, Event
from can_train.alarms.rule import Severity
from can_train.alarms.sightings import Sighting
from can_train.alarms.sums import SightingSums
from can_train.alarms.suspects import (
    NOBODY,
    REFERENCE_WINDOWS,
    Suspects,
    compared_suspects,
    shown_in,
)

_CLOCK_SET: Final = -EVENT_GAP_S
"""Step of the begin of windows below which the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedWindow:
    """A window, by one scorer.

    Attributes:
        start_s: Timestamp of its first frame.
        end_s: Timestamp of its last frame.
        score: Higher is more suspicious.
        above: Whether that is above the threshold.
        severity: Severity after it, by the alarm rule.
        sighting: What it shows; None with features that know no past (`classic`).
    """

    start_s: float
    end_s: float
    score: float
    above: bool
    severity: Severity
    sighting: Sighting | None


class EventFollower:
    """Makes events of the windows of one stream, by one scorer.

    An event is over when a window above the threshold begins the next one, or when the stream ends:
    until then, a window may still belong to it.

    Args:
        window: Frames per window.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._quiet: deque[JudgedWindow] = deque(maxlen=REFERENCE_WINDOWS)
        self._event: _OpenEvent | None = None
        self._begin_s = self._latest_s = self._set_back_s = 0.0

    @property
    def open(self) -> Event | None:
        """The latest event, so far."""
        return None if self._event is None else self._event.described(self._window)

    def update(self, window: JudgedWindow) -> Event | None:
        """Takes the next window; gives the event that it shows to be over."""
        if not window.above:
            self._quiet.append(window)
            return None
        over = None
        if self._begins_another(window):
            over, self._event = self.open, _OpenEvent(window, tuple(self._quiet))
        if self._event is not None:
            self._event.add(window)
        return over

    def _begins_another(self, window: JudgedWindow) -> bool:
        """Whether it is too far from those before; see `event_starts`."""
        if self._event is None:
            self._begin_s, self._latest_s = window.start_s, window.end_s
            return True
        step_s = window.start_s - self._begin_s
        set_back = step_s < _CLOCK_SET
        self._set_back_s += step_s if set_back else 0.0
        begin_s, end_s = window.start_s - self._set_back_s, window.end_s - self._set_back_s
        far = begin_s - self._latest_s > EVENT_GAP_S
        self._begin_s, self._latest_s = window.start_s, max(self._latest_s, end_s)
        return set_back or far


class _OpenEvent:
    """An event whose end isn't known yet."""

    def __init__(self, first: JudgedWindow, quiet: tuple[JudgedWindow, ...]) -> None:
        self._quiet = quiet
        self._peak = first
        self._start_s, self._end_s = first.start_s, first.end_s
        self._first_alarm_s: float | None = None
        self._windows, self._duration_s = 0, 0.0
        self._shown = SightingSums()

    def add(self, window: JudgedWindow) -> None:
        """Takes a window above the threshold."""
        self._windows += 1
        self._duration_s += window.end_s - window.start_s
        self._start_s = min(self._start_s, window.start_s)
        self._end_s = max(self._end_s, window.end_s)
        if window.score > self._peak.score:
            self._peak = window
        if window.severity == "alarm" and self._first_alarm_s is None:
            self._first_alarm_s = window.end_s
        if window.sighting is not None:
            self._shown.add(window.sighting)

    def described(self, window: int) -> Event:
        """What is known of it so far."""
        suspects = self._suspects(window)
        return Event(
            severity="notice" if self._first_alarm_s is None else "alarm",
            start_s=self._start_s,
            end_s=self._end_s,
            first_alarm_s=self._first_alarm_s,
            peak_s=self._peak.start_s,
            peak_score=self._peak.score,
            windows=self._windows,
            ids=suspects.ids,
            kind=suspects.kind,
        )

    def _suspects(self, window: int) -> Suspects:
        before = list(_sighted(self._quiet))
        if not before or not len(self._shown):
            return NOBODY
        event = self._shown.means(self._windows, self._duration_s)
        quiet = shown_in(
            np.concatenate([sighting.node_id for sighting in before]),
            np.concatenate([sighting.x for sighting in before]),
            len(before),
            np.array([each.end_s - each.start_s for each in self._quiet]),
        )
        return compared_suspects(event, quiet, window)


def _sighted(windows: Iterable[JudgedWindow]) -> Iterable[Sighting]:
    return (each.sighting for each in windows if each.sighting is not None)
