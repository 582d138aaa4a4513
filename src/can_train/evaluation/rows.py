"""Rows of an evaluation: every scorer on a scenario, all of its files together and each alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.calibration import Threshold
from can_train.evaluation.alarms import (
    UNDEFINED_ALARMS,
    AlarmCounts,
    AlarmMetrics,
    alarm_metrics,
    count_alarms,
)
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.evaluation.controls.windows import Control
from can_train.evaluation.metrics import undefined_metrics, window_metrics
from can_train.evaluation.places import Place
from can_train.evaluation.report import EvaluationRow, RowKind
from can_train.evaluation.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One row name with its threshold; `control` is set for controls on windows."""

    name: str
    kind: RowKind
    threshold: Threshold | None
    control: Control | None = None


Scores: TypeAlias = Mapping[str, NDArray[np.float64]]
"""Scores of windows [B] by scorer."""

Watch: TypeAlias = Callable[[Place, Timeline | None, Scores], None]
"""Takes each file, its windows by time (if they follow on), and their scores."""


def rows_of(
    place: Place,
    scorers: Sequence[Scorer],
    scores: Scores,
    seed: int,
    watch: Watch | None = None,
) -> list[EvaluationRow]:
    """Rows of one scenario: all its files together, then each file.

    Args:
        place: The scenario.
        scorers: Who has a row, in this order.
        scores: Of its windows [B], by scorer; one that is missing can't score them.
        seed: Of the bootstrap.
        watch: Told of every file.
    """
    counts: dict[str, list[AlarmCounts]] = {scorer.name: [] for scorer in scorers}
    rows: list[EvaluationRow] = []
    for file, inside in place.files():
        timeline = file.timeline() if watch or not file.labels_say_nothing else None
        part = {name: score[inside] for name, score in scores.items()}
        if watch is not None:
            watch(file, timeline, part)
        if file.labels_say_nothing:
            timeline = None
        for scorer in scorers:
            counted = _counted(timeline, scorer, part)
            counts[scorer.name] += counted
            rows.append(_row(file, scorer, part, seed, counted))
    pooled = [_row(place, scorer, scores, seed, counts[scorer.name]) for scorer in scorers]
    return pooled + rows


def _counted(timeline: Timeline | None, scorer: Scorer, scores: Scores) -> list[AlarmCounts]:
    """Of one file; empty where nothing can be counted."""
    score = scores.get(scorer.name)
    if timeline is None or scorer.threshold is None or score is None:
        return []
    return [count_alarms(timeline, score, scorer.threshold.value)]


def _row(
    place: Place,
    scorer: Scorer,
    scores: Scores,
    seed: int,
    counts: Sequence[AlarmCounts],
) -> EvaluationRow:
    threshold, score = scorer.threshold, scores.get(scorer.name)
    metrics = intervals = alarms = None
    if threshold is not None and score is not None:
        label = place.label
        if place.labels_say_nothing:
            metrics = undefined_metrics(len(place.windows))
        else:
            metrics = window_metrics(label, score, threshold.value, place.benign_hours)
        alarms = _alarms(place, counts)
        if place.file is not None and metrics.attacks:
            intervals = block_bootstrap(label, score, threshold.value, seed)
    return EvaluationRow(
        scenario=place.scenario,
        file=place.file,
        scorer=scorer.name,
        kind=scorer.kind,
        threshold=threshold,
        metrics=metrics,
        intervals=intervals,
        alarms=alarms,
    )


def _alarms(place: Place, counts: Sequence[AlarmCounts]) -> AlarmMetrics:
    """Of all files of a place, or n/a: a part of them wouldn't be what its row says."""
    recordings = np.unique(place.store.recording[place.windows])
    return alarm_metrics(counts) if len(counts) == len(recordings) else UNDEFINED_ALARMS
