"""Scored recordings as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from can_train.alarms.events import Event
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import Reason
from can_train.scoring.documents import Scoring, id_text
from can_train.scoring.recording import ScoredRecording

SUMMARY: Final = (
    "file", "windows", "attacks", "scorer", "above threshold", "notices", "alarms", "first alarm",
    "peak",
)  # fmt: skip
EVENTS: Final = (
    "severity", "begins", "ends", "windows", "peak", "at", "suspected", "IDs", "because of",
)  # fmt: skip
_MOST_IDS: Final = 4
_MOST_EVENTS: Final = 20
_NONE: Final = "-"

Rows = Sequence[Sequence[str]]


def heading(scoring: Scoring) -> str:
    """One line: who scored, what a window is, and when windows are an alarm."""
    spec, rule = scoring.detector.spec, str(scoring.detector.rule)
    names = [detector.spec.row for detector in scoring.detector.detectors.values()]
    experts = f" (fuses {' and '.join(names[:-1])})" if names[:-1] else ""
    return (
        f"run {scoring.run}: {names[-1]}{experts}, a window of {spec.window} frames every "
        f"{spec.stride}; alarm: {rule} windows above the threshold"
    )


def summary_rows(detector: FrameScorer, recordings: Sequence[ScoredRecording]) -> Rows:
    """One row per recording and scorer, under `SUMMARY`; times since its first frame."""
    return [
        _summary(recording, name, number == 0)
        for recording in recordings
        for number, name in enumerate(detector.thresholds)
    ]


def event_rows(recording: ScoredRecording, scorer: str) -> Rows:
    """One row per event of its own scorer, under `EVENTS`: alarms first, at most 20."""
    told = zip(recording.events[scorer], recording.reasons, strict=True)
    events = sorted(told, key=lambda pair: pair[0].severity != "alarm")
    rows = [_event(event, recording.start_s, why) for event, why in events[:_MOST_EVENTS]]
    if more := len(events) - len(rows):
        rows.append([f"and {more:,} more: --json FILE", *[""] * (len(EVENTS) - 1)])
    return rows


def _summary(recording: ScoredRecording, scorer: str, first: bool) -> list[str]:
    windows, events = recording.windows, recording.events[scorer]
    alarms = [event for event in events if event.first_alarm_s is not None]
    attacks = recording.attack_windows
    head = [recording.name, f"{len(windows):,} in {recording.duration_s:,.1f} s",
            "no labels" if attacks is None else f"{attacks:,}"]  # fmt: skip
    peak = int(np.argmax(windows.score[scorer]))
    return [
        *(head if first else [""] * len(head)),
        scorer,
        f"{np.count_nonzero(windows.alarm[scorer]):,}",
        f"{len(events) - len(alarms):,}",
        f"{len(alarms):,}",
        _since(alarms[0].first_alarm_s, recording.start_s) if alarms else _NONE,
        f"{windows.score[scorer][peak]:.4g} at {_since(windows.start_s[peak], recording.start_s)}",
    ]


def because_of(reasons: Sequence[Reason]) -> str:
    """IDs that moved a margin, most first, with the feature that did most of it."""
    return ", ".join(f"{id_text(r.id)} ({r.feature.replace('_', ' ')})" for r in reasons) or _NONE


def _event(event: Event, start_s: float, reasons: Sequence[Reason]) -> list[str]:
    ids = [id_text(each) for each in event.ids]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    return [
        event.severity,
        _since(event.start_s, start_s),
        _since(event.end_s, start_s),
        f"{event.windows:,}",
        f"{event.peak_score:.4g}",
        _since(event.peak_s, start_s),
        event.kind,
        ", ".join(ids[:_MOST_IDS]) + more if ids else _NONE,
        because_of(reasons[:1]),
    ]


def _since(time_s: float | None, start_s: float) -> str:
    return _NONE if time_s is None else f"{time_s - start_s:.2f} s"
