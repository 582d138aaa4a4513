"""Collects what the pictures of an evaluation are drawn from, while its figures are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.rule import DEFAULT_RULE, severities_of
from can_train.detectors.reasons import Explainer
from can_train.evaluation.curves import DetectionCurve, ThresholdSweep, curve_of, sweep_of
from can_train.evaluation.experts import Experts
from can_train.evaluation.pictures import (
    EvaluationPictures,
    PictureRecord,
    Reliability,
    WindowTrace,
)
from can_train.evaluation.places import Place
from can_train.evaluation.timeline import Timeline
from can_train.evaluation.trace_records import FileTrace
from can_train.evaluation.traces import trace_of

SMALLEST_P: Final = 1e-4
P_STEPS: Final = 41

Scores = Mapping[str, NDArray[np.float64]]
"""Score of each window [B] by scorer."""


@dataclass(kw_only=True, eq=False)
class Tracer:
    """Takes scenarios and their files in turn.

    Attributes:
        experts: The models whose margins are kept; the last is the run's own.
    """

    experts: Experts
    _curves: list[DetectionCurve] = field(default_factory=list)
    _sweeps: list[ThresholdSweep] = field(default_factory=list)
    _reliability: list[Reliability] = field(default_factory=list)
    _files: list[FileTrace] = field(default_factory=list)
    _windows: dict[tuple[str, str], WindowTrace] = field(default_factory=dict)
    _judged: list[tuple[Timeline, NDArray[np.float64]]] = field(default_factory=list)

    @property
    def _own(self) -> str:
        return self.experts.own.spec.row

    @cached_property
    def _thresholds(self) -> dict[str, float]:
        return {name: found.value for name, found in self.experts.thresholds.items()}

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.experts.scorer)

    def file(self, place: Place, timeline: Timeline | None, scores: Scores) -> None:
        """Takes a file of the current scenario; one whose windows don't follow on has no trace."""
        if timeline is None:
            return
        own = scores[self._own]
        if not place.labels_say_nothing:
            self._judged.append((timeline, own))
        threshold = self._thresholds[self._own]
        self._files.append(trace_of(place, timeline, own, threshold, self._explainer))
        origin_s = timeline.start_s[0]
        self._windows[place.scenario, place.file or ""] = WindowTrace(
            start_s=timeline.start_s - origin_s,
            end_s=timeline.end_s - origin_s,
            attack=timeline.attack,
            score={name: scores[name].astype(np.float32) for name in self._thresholds},
            severity={
                name: severities_of(scores[name], at, DEFAULT_RULE, timeline.apart)
                for name, at in self._thresholds.items()
            },
        )

    def scenario(self, place: Place, scores: Scores, p_values: Scores) -> None:
        """Takes a scenario, after its files.

        Args:
            place: All of its windows [B].
            scores: Of every scorer that could score them.
            p_values: Of the models.
        """
        judged, self._judged = self._judged, []
        if place.labels_say_nothing:
            return
        label = place.label
        for name, score in scores.items():
            curve = curve_of(place.scenario, name, label, score)
            if curve is None:
                continue
            self._curves.append(curve)
            if name == self._own and judged:
                self._sweeps.append(sweep_of(curve, self._thresholds[name], judged))
        for name, found in p_values.items():
            benign = found[label == 0]
            if len(benign):
                self._reliability.append(_reliability(place.scenario, name, benign))

    def pictures(self) -> EvaluationPictures:
        """All that was taken."""
        return EvaluationPictures(
            record=PictureRecord(
                scorer=self._own,
                curves=tuple(self._curves),
                sweeps=tuple(self._sweeps),
                reliability=tuple(self._reliability),
                files=tuple(self._files),
            ),
            windows=self._windows,
        )


def _reliability(scenario: str, scorer: str, p_value: NDArray[np.float64]) -> Reliability:
    asked = np.geomspace(SMALLEST_P, 1.0, P_STEPS)
    at_most = np.searchsorted(np.sort(p_value), asked, side="right") / len(p_value)
    return Reliability(
        scenario=scenario,
        scorer=scorer,
        windows=len(p_value),
        p=tuple(float(f"{p:.4g}") for p in asked.tolist()),
        share=tuple(at_most.tolist()),
    )
