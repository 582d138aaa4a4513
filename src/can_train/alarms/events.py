"""From windows to events: what an occupant or a log is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.rule import DEFAULT_RULE, AlarmRule, above_threshold
from can_train.alarms.sightings import Sightings
from can_train.alarms.suspects import NOBODY, REFERENCE_WINDOWS, SuspectedKind, suspects_of

EVENT_GAP_S: Final = 2.0
"""Longest quiet inside one event, and inside one labelled attack episode.

In the training recordings of hcrl_sa, set_01 and set_04 attack frames of one attack are at most
1.11 s apart, and two attacks at least 5.0 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Windows above the threshold that belong together; times as in the recording, in seconds.

    Attributes:
        severity: `alarm` if the alarm rule fired in it, else `notice`.
        start_s: First frame of its first window.
        end_s: Last frame of its last window.
        first_alarm_s: Last frame of the window at which the rule fired first; None for a notice.
        peak_s: First frame of the window with the highest score.
        peak_score: That score.
        windows: Number of windows above the threshold.
        ids: Arbitration IDs that are involved, ascending; none where nothing can be said.
        kind: Suspected kind of attack.
    """

    severity: Literal["notice", "alarm"]
    start_s: float
    end_s: float
    first_alarm_s: float | None
    peak_s: float
    peak_score: float
    windows: int
    ids: tuple[int, ...]
    kind: SuspectedKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordingScores:
    """All windows of one recording by time.

    Attributes:
        start_s: Timestamp of the first frame of each window [B], float64.
        end_s: Timestamp of its last frame [B], float64.
        score: Higher is more suspicious [B], float64.
        threshold: A window is above if its score > `threshold`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    score: NDArray[np.float64]
    threshold: float


def events_of(
    scored: RecordingScores,
    rule: AlarmRule = DEFAULT_RULE,
    apart: int = 1,
    sightings: Sightings | None = None,
) -> tuple[Event, ...]:
    """The events of one recording, by time.

    Args:
        scored: Its windows.
        rule: When windows are an alarm.
        apart: Windows from one to the next that shares no frame with it.
        sightings: What the same windows show of each ID; without them no event names IDs or kind.

    Raises:
        TrainingError: A score is NaN.
    """
    above = above_threshold(scored.score, scored.threshold)
    fired = rule.fires(above, apart) & above
    quiet = np.flatnonzero(~above)
    hot = np.flatnonzero(above)
    found = []
    for windows in np.split(hot, event_starts(scored.start_s[hot], scored.end_s[hot])[1:]):
        if not len(windows):
            continue
        suspects = NOBODY
        if sightings is not None:
            until = int(np.searchsorted(quiet, windows[0]))
            before = quiet[max(until - REFERENCE_WINDOWS, 0) : until]
            duration_s = scored.end_s - scored.start_s
            suspects = suspects_of(sightings, windows, before, duration_s)
        alarms = windows[fired[windows]]
        peak = windows[np.argmax(scored.score[windows])]
        found.append(
            Event(
                severity="alarm" if len(alarms) else "notice",
                start_s=float(scored.start_s[windows].min()),
                end_s=float(scored.end_s[windows].max()),
                first_alarm_s=float(scored.end_s[alarms[0]]) if len(alarms) else None,
                peak_s=float(scored.start_s[peak]),
                peak_score=float(scored.score[peak]),
                windows=len(windows),
                ids=suspects.ids,
                kind=suspects.kind,
            )
        )
    return tuple(found)


def event_starts(
    start_s: NDArray[np.float64], end_s: NDArray[np.float64], gap_s: float = EVENT_GAP_S
) -> NDArray[np.int64]:
    """Which of consecutive spans of time begin an event [E], ascending; the first always does.

    Args:
        start_s: Begin of each span, in the order of the recording [H].
        end_s: Its end [H].
        gap_s: Longest quiet inside one event.
    """
    if not len(start_s):
        return np.zeros(0, np.int64)
    # A clock that was set back: what follows is another event, timed from the span before.
    step_s = np.diff(start_s, prepend=start_s[0])
    back_s = np.where(step_s < -gap_s, step_s, 0.0)
    shift_s = np.cumsum(back_s)
    # A slow or overlapping span may end after the next ones: what counts is the latest end so far.
    so_far = np.maximum.accumulate(end_s - shift_s)
    begins = ((start_s - shift_s)[1:] - so_far[:-1] > gap_s) | (back_s[1:] < 0)
    return np.concatenate([[0], np.flatnonzero(begins) + 1]).astype(np.int64)
