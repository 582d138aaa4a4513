"""Of each event the window with the highest margin is kept, whatever comes in one part."""

from __future__ import annotations

import numpy as np

from can_train.alarms.events import RecordingScores, events_of
from can_train.detectors.reasons import Explainer, KeptWindow
from can_train.graphs.build import build_graphs, graphs_in_turn
from can_train.scoring.peaks import Peaks
from tests.unit.streaming.streams_for_tests import WINDOW, fused, traffic


def test_reasons_are_those_of_the_peak_of_each_event() -> None:
    detector, frames = fused(), traffic()
    scored = detector.score(frames)
    timed = RecordingScores(
        start_s=scored.start_s,
        end_s=scored.end_s,
        score=scored.score["fusion"],
        threshold=detector.thresholds["fusion"].value,
    )
    events = events_of(timed, detector.rule)
    assert len(events) > 2
    peaks, done = Peaks(frames, detector), 0
    for part in graphs_in_turn(frames, detector.spec, 37):
        peaks.take(part, scored.score["fusion"][done : done + len(part)])
        done += len(part)
    graphs, explainer = build_graphs(frames, detector.spec), Explainer(detector)
    for event, reasons in zip(events, peaks.reasons(events), strict=True):
        inside = (scored.start_s >= event.start_s) & (scored.start_s <= event.end_s)
        at = int(np.argmax(np.where(inside, scored.score["fusion"], -np.inf)))
        rows = slice(at * WINDOW, (at + 1) * WINDOW)
        kept = KeptWindow.of_packed(graphs, at, frames.arbitration_id[rows])
        assert reasons == explainer.reasons(kept)
