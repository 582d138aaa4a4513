"""What one file of an evaluation looks like over time: attacks, events, and the worst window."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.events import Event, RecordingScores, events_of
from can_train.alarms.rule import DEFAULT_RULE
from can_train.alarms.sightings import sightings_of
from can_train.detectors.reasons import Explainer, KeptWindow, Reason
from can_train.evaluation.alarms import found_episodes
from can_train.evaluation.places import Place
from can_train.evaluation.timeline import Timeline
from can_train.evaluation.trace_records import (
    EpisodeOutcome,
    ExplainedWindow,
    FileTrace,
    TracedEdge,
    TracedEvent,
    TracedNode,
    TracedReason,
)
from can_train.frames.store import verified_frames
from can_train.scoring.documents import id_text

MOST_EVENTS: Final = 200
"""Of a file; alarms first, then those with the highest peak."""


def trace_of(
    place: Place,
    timeline: Timeline,
    score: NDArray[np.float64],
    threshold: float,
    explainer: Explainer,
) -> FileTrace:
    """The trace of one file.

    Args:
        place: The file.
        timeline: Its windows [B] and attacks by time.
        score: Their margins [B].
        threshold: The stored threshold.
        explainer: Explains the worst window.
    """
    events = _events(place, timeline, score, threshold)
    told = sorted(events, key=lambda event: (event.severity != "alarm", -event.peak_score))
    origin_s = float(timeline.start_s[0])
    kept = sorted(told[:MOST_EVENTS], key=lambda event: event.start_s)
    worst = told[0] if told else None
    return FileTrace(
        scenario=place.scenario,
        file=place.file or "",
        windows=len(place.windows),
        duration_s=float(timeline.end_s.max()) - origin_s,
        judged=not place.labels_say_nothing,
        episodes=_outcomes(timeline, score > threshold, origin_s),
        events=tuple(_event(event, timeline, origin_s) for event in kept),
        left_out=len(events) - len(kept),
        explained=None if worst is None else _explained(place, timeline, score, worst, explainer),
    )


def _events(
    place: Place, timeline: Timeline, score: NDArray[np.float64], threshold: float
) -> tuple[Event, ...]:
    scored = RecordingScores(
        start_s=timeline.start_s, end_s=timeline.end_s, score=score, threshold=threshold
    )
    seen = sightings_of(place.store, place.windows, place.store.spec)
    return events_of(scored, DEFAULT_RULE, timeline.apart, seen)


def _outcomes(
    timeline: Timeline, above: NDArray[np.bool_], origin_s: float
) -> tuple[EpisodeOutcome, ...]:
    fired = DEFAULT_RULE.fires(above, timeline.apart) & above
    noticed = set(timeline.near[above].tolist())
    delays_s = found_episodes(timeline, fired)
    return tuple(
        EpisodeOutcome(
            start_s=start_s - origin_s,
            end_s=end_s - origin_s,
            noticed=number in noticed,
            delay_s=delays_s.get(number),
        )
        for number, (start_s, end_s) in enumerate(
            zip(timeline.episodes.start_s.tolist(), timeline.episodes.end_s.tolist(), strict=True)
        )
    )


def _event(event: Event, timeline: Timeline, origin_s: float) -> TracedEvent:
    inside = (timeline.start_s >= event.start_s) & (timeline.end_s <= event.end_s)
    return TracedEvent(
        severity=event.severity,
        start_s=event.start_s - origin_s,
        end_s=event.end_s - origin_s,
        peak_s=event.peak_s - origin_s,
        peak_score=event.peak_score,
        windows=event.windows,
        attack=bool((timeline.near[inside] >= 0).any()),
        ids=tuple(id_text(each) for each in event.ids),
        kind=event.kind,
    )


def _explained(
    place: Place,
    timeline: Timeline,
    score: NDArray[np.float64],
    event: Event,
    explainer: Explainer,
) -> ExplainedWindow:
    """The window at the event's peak."""
    at = int(np.flatnonzero((timeline.start_s == event.peak_s) & (score == event.peak_score))[0])
    store, window = place.store, int(place.windows[at])
    frames = verified_frames(place.folder, store.recordings[store.recording[window]])
    start = int(store.start[window])
    frame_id = frames.arbitration_id[start : start + store.spec.window]
    kept = KeptWindow.of_packed(store, window, frame_id)
    drops, reasons = explainer.explained(kept)
    return ExplainedWindow(
        start_s=event.peak_s - float(timeline.start_s[0]),
        score=event.peak_score,
        attack=bool(timeline.attack[at]),
        reasons=tuple(map(_reason, reasons)),
        nodes=_nodes(kept, drops),
        edges=_edges(kept),
    )


def _reason(reason: Reason) -> TracedReason:
    return TracedReason(
        id=id_text(reason.id), drop=reason.drop, feature=reason.feature, frames=reason.frames
    )


def _nodes(window: KeptWindow, drops: NDArray[np.float64]) -> tuple[TracedNode, ...]:
    sent = Counter(window.frame_id.tolist())
    return tuple(
        TracedNode(id=id_text(identifier), frames=sent[identifier], drop=drop)
        for identifier, drop in zip(window.node_id.tolist(), drops.tolist(), strict=True)
    )


def _edges(window: KeptWindow) -> tuple[TracedEdge, ...]:
    place = {identifier: number for number, identifier in enumerate(window.node_id.tolist())}
    nodes = [place[identifier] for identifier in window.frame_id.tolist()]
    follows = Counter(zip(nodes, nodes[1:], strict=False))
    return tuple(
        TracedEdge(source=source, target=target, frames=count)
        for (source, target), count in sorted(follows.items())
    )
