"""How a scorer does as its threshold moves: points of ROC and precision-recall, alarms and recall.

They are drawn, and come from the scores that the figures beside them came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.evaluation.alarms import AlarmCounts, alarm_metrics, count_alarms
from can_train.evaluation.timeline import Timeline

LINEAR_STEPS: Final = 100
STEPS_PER_DECADE: Final = 20
"""Points that are kept: each first one in a step of recall, precision or false-alarm rate."""

MOST_THRESHOLDS: Final = 64
"""Of a sweep over thresholds, besides the stored one."""

HIGHEST_FPR: Final = 0.2
"""Thresholds that let more benign windows alarm are of no interest to a sweep."""

_SMALLEST_RATE: Final = 1e-6
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionCurve:
    """One scorer on one scenario at falling thresholds.

    Attributes:
        scenario: The scenario, all files together.
        scorer: Name of the model or control.
        threshold: A window alarms if its score is at least this.
        fpr: Share of the benign windows that alarm.
        recall: Share of the attack windows that do.
        precision: Attacks among the alarms.
    """

    scenario: str
    scorer: str
    threshold: tuple[float, ...]
    fpr: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdStep:
    """What one threshold gives, with the alarm stage on.

    Attributes:
        threshold: A window alarms if its score is greater.
        fpr: Share of the benign windows that alarm.
        recall: Share of the attack windows that do.
        found: Labelled attacks that are found by an alarm.
        alarms_per_hour: False events per hour of benign time; None where there is no such time.
        alarms_per_hour_upper: Its upper 95 % bound.
    """

    threshold: float
    fpr: float
    recall: float
    found: int
    alarms_per_hour: float | None
    alarms_per_hour_upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdSweep:
    """A scorer on one scenario at rising thresholds.

    Attributes:
        scenario: The scenario.
        scorer: The scorer.
        episodes: Labelled attacks.
        stored: Which step is the stored threshold.
        steps: By threshold.
    """

    scenario: str
    scorer: str
    episodes: int
    stored: int
    steps: tuple[ThresholdStep, ...]


def curve_of(
    scenario: str, scorer: str, label: NDArray[np.uint8], score: NDArray[np.float64]
) -> DetectionCurve | None:
    """The curve of scored windows [B], thinned out; None where a class is missing."""
    attacks = int(np.count_nonzero(label))
    benign = len(label) - attacks
    if not attacks or not benign:
        return None
    limit = np.finfo(np.float64).max / 4
    from sklearn.metrics import roc_curve

    fpr, recall, threshold = roc_curve(
        label, np.clip(score, -limit, limit), drop_intermediate=False
    )
    # The first point is no alarm at all, whose threshold isn't finite and whose precision isn't
    # defined.
    fpr, recall, threshold = fpr[1:], recall[1:], threshold[1:]
    hits, false = recall * attacks, fpr * benign
    precision = hits / np.maximum(hits + false, 1.0)
    kept = _kept(fpr, recall, precision)
    return DetectionCurve(
        scenario=scenario,
        scorer=scorer,
        threshold=_plain(threshold[kept]),
        fpr=_plain(fpr[kept]),
        recall=_plain(recall[kept]),
        precision=_plain(precision[kept]),
    )


def sweep_of(
    curve: DetectionCurve,
    stored: float,
    recordings: Sequence[tuple[Timeline, NDArray[np.float64]]],
) -> ThresholdSweep:
    """What thresholds along a curve give, and what the stored one does.

    Args:
        curve: Names the scorer and the scenario.
        stored: The stored threshold.
        recordings: Each file with its windows' scores [B].
    """
    usable = np.array(curve.threshold)[np.array(curve.fpr) <= HIGHEST_FPR]
    evenly = np.linspace(0, len(usable) - 1, min(len(usable), MOST_THRESHOLDS))
    # A curve's threshold alarms itself, one of an evaluation doesn't.
    below = np.nextafter(usable[evenly.round().astype(np.int64)], -np.inf)
    thresholds = np.unique([*below, stored])
    label = np.concatenate([timeline.attack for timeline, _ in recordings])
    score = np.concatenate([scores for _, scores in recordings])
    steps = tuple(_step(at, label, score, recordings) for at in thresholds.tolist())
    return ThresholdSweep(
        scenario=curve.scenario,
        scorer=curve.scorer,
        episodes=sum(len(timeline.episodes) for timeline, _ in recordings),
        stored=int(np.searchsorted(thresholds, stored)),
        steps=steps,
    )


def _step(
    threshold: float,
    label: NDArray[np.bool_],
    score: NDArray[np.float64],
    recordings: Sequence[tuple[Timeline, NDArray[np.float64]]],
) -> ThresholdStep:
    counts: list[AlarmCounts] = [count_alarms(line, part, threshold) for line, part in recordings]
    found = alarm_metrics(counts)
    above = score > threshold
    return ThresholdStep(
        threshold=threshold,
        fpr=float(np.mean(above[~label])) if (~label).any() else 0.0,
        recall=float(np.mean(above[label])) if label.any() else 0.0,
        found=found.found_by_alarm or 0,
        alarms_per_hour=found.alarms_per_hour,
        alarms_per_hour_upper=found.alarms_per_hour_upper,
    )


def _kept(
    fpr: NDArray[np.float64], recall: NDArray[np.float64], precision: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Points that are the first or last of a step of any of the three, by position."""
    decades = np.log10(np.maximum(fpr, _SMALLEST_RATE)) * STEPS_PER_DECADE
    steps = [np.floor(decades), *(np.floor(x * LINEAR_STEPS) for x in (fpr, recall, precision))]
    changes = np.any([np.diff(step) != 0 for step in steps], axis=0)
    first = np.concatenate([[True], changes])
    last = np.concatenate([changes, [True]])
    return np.flatnonzero(first | last)


def _plain(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Six significant digits: what a picture can show."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values.tolist())
