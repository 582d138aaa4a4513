"""The highest windows of a recording, kept while it is scored part by part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.events import EVENT_GAP_S, Event
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import Explainer, KeptWindow, Reason
from can_train.frames.frame import Frames
from can_train.graphs.columns import PackedGraphs


class Peaks:
    """Keeps one window per event: the first with the highest margin.

    Args:
        frames: The recording.
        detector: Whose own margins they are.
    """

    def __init__(self, frames: Frames, detector: FrameScorer) -> None:
        self._frames, self._detector = frames, detector
        self._threshold = detector.thresholds[detector.own.spec.row].value
        self._kept: dict[float, KeptWindow] = {}
        self._at_s = self._latest_s = -np.inf
        self._highest = -np.inf

    def take(self, graphs: PackedGraphs, score: NDArray[np.float64]) -> None:
        """Takes the next windows [B] with their margins [B]."""
        for window in np.flatnonzero(score > self._threshold).tolist():
            start_s = float(graphs.start_s[window])
            if abs(start_s - self._latest_s) > EVENT_GAP_S:
                self._highest = -np.inf
            elif score[window] > self._highest:
                self._kept.pop(self._at_s, None)
            if score[window] > self._highest:
                self._highest, self._at_s = float(score[window]), start_s
                self._kept[start_s] = self._copied(graphs, window)
            self._latest_s = start_s + float(graphs.duration_s[window])

    def reasons(self, events: Sequence[Event]) -> tuple[tuple[Reason, ...], ...]:
        """What moved the margin of each event's peak."""
        explainer = Explainer(self._detector)
        return tuple(
            explainer.reasons(self._kept[event.peak_s]) if event.peak_s in self._kept else ()
            for event in events
        )

    def _copied(self, graphs: PackedGraphs, window: int) -> KeptWindow:
        start = int(graphs.start[window])
        rows = slice(start, start + self._detector.spec.window)
        return KeptWindow.of_packed(graphs, window, self._frames.arbitration_id[rows])
