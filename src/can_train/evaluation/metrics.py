"""Metrics of a binary detector over windows; `None` (shown as n/a) where one is undefined."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.alarms.rate import poisson_upper
from can_train.errors import TrainingError


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMetrics:
    """Metrics of one scorer on one set of windows; the attack class is the positive one.

    Attributes:
        windows: Number of windows.
        attacks: Number of attack windows.
        accuracy: Share of windows decided rightly.
        precision: Attacks among the alarms; n/a without alarms or without attacks.
        recall: Alarms among the attacks; n/a without attacks.
        f1: F1 of the attack class; n/a without attacks, 0 when none of them is found.
        mcc: Matthews correlation; n/a when only one class is there, 0 when all windows get
            the same answer.
        roc_auc: Area under the ROC curve; n/a when only one class is there.
        pr_auc: Average precision; n/a when only one class is there.
        fpr: Alarms among the benign windows; n/a without any.
        false_alarms_per_hour: Alarms on benign windows per hour of benign recording time.
        false_alarms_per_hour_upper: Its upper 95 % bound, exact for Poisson counts.
        recall_at_fpr_1e3: Largest recall at a false-alarm rate of at most 1e-3; n/a with fewer
            than 1,000 benign windows.
        recall_at_fpr_1e4: The same at 1e-4 and 10,000.
    """

    windows: int
    attacks: int
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    mcc: float | None
    roc_auc: float | None
    pr_auc: float | None
    fpr: float | None
    false_alarms_per_hour: float | None
    false_alarms_per_hour_upper: float | None
    recall_at_fpr_1e3: float | None
    recall_at_fpr_1e4: float | None


METRIC_NAMES: Final[tuple[str, ...]] = tuple(field.name for field in fields(WindowMetrics))


def window_metrics(
    label: ArrayLike, score: ArrayLike, threshold: float, benign_hours: float
) -> WindowMetrics:
    """Metrics of scored windows at a stored threshold.

    Args:
        label: 1 for attack windows, 0 for benign ones [B].
        score: Higher is more suspicious [B]; a window alarms if its score > `threshold`.
        threshold: The scorer's stored threshold.
        benign_hours: Recording time that the benign windows cover, in hours; 0 if unknown.

    Raises:
        TrainingError: A score is NaN.
    """
    truth, scores = _checked(label, score)
    windows, attacks = len(truth), int(np.count_nonzero(truth))
    benign = windows - attacks
    if not windows:
        return undefined_metrics(0)
    alarms = scores > threshold
    found, alarmed = int(np.count_nonzero(truth & alarms)), int(np.count_nonzero(alarms))
    false_alarms = alarmed - found
    both = attacks > 0 and benign > 0
    hours = benign_hours if benign else 0.0
    return WindowMetrics(
        windows=windows,
        attacks=attacks,
        accuracy=(found + benign - false_alarms) / windows,
        precision=found / alarmed if attacks and alarmed else None,
        recall=found / attacks if attacks else None,
        f1=2 * found / (attacks + alarmed) if attacks else None,
        mcc=_matthews(windows, attacks, alarmed, found) if both else None,
        roc_auc=_roc_auc(truth, scores) if both else None,
        pr_auc=_average_precision(truth, scores) if both else None,
        fpr=false_alarms / benign if benign else None,
        false_alarms_per_hour=false_alarms / hours if hours > 0 else None,
        false_alarms_per_hour_upper=poisson_upper(false_alarms) / hours if hours > 0 else None,
        recall_at_fpr_1e3=recall_at_fpr(truth, scores, 1000),
        recall_at_fpr_1e4=recall_at_fpr(truth, scores, 10_000),
    )


def _roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """`roc_auc_score`, which looks at its arguments three times before it calls the same."""
    from sklearn.metrics import auc, roc_curve

    fpr, recall, _ = roc_curve(truth, scores)
    return float(auc(fpr, recall))


def _average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """`average_precision_score`, AP = sum of (R_n - R_(n-1)) P_n, likewise."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    return float(max(0.0, -np.sum(np.diff(recall) * precision[:-1])))


def _matthews(windows: int, attacks: int, alarmed: int, found: int) -> float:
    """Matthews correlation (Biochim. Biophys. Acta 405, 1975) of attacks and alarms."""
    alike = math.sqrt(attacks * (windows - attacks) * alarmed * (windows - alarmed))
    return (found * windows - attacks * alarmed) / alike if alike else 0.0


def undefined_metrics(windows: int) -> WindowMetrics:
    """All n/a: for windows whose labels say nothing, such as those of `suppress` files."""
    return WindowMetrics(windows=windows, attacks=0, **dict.fromkeys(METRIC_NAMES[2:]))


def recall_at_fpr(
    label: NDArray[np.bool_], score: NDArray[np.float64], one_in: int
) -> float | None:
    """Largest recall at which at most one in `one_in` benign windows alarms.

    `None` without attack windows, and with fewer than `one_in` benign windows: less than one
    whole benign window can't be counted.
    """
    benign, attack = score[~label], score[label]
    if len(benign) < one_in or not len(attack):
        return None
    allowed = len(benign) // one_in
    at = len(benign) - 1 - allowed
    return float(np.mean(attack > np.partition(benign, at)[at]))


def _checked(label: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels as bool [B] and finite scores as float64 [B]."""
    truth = np.asarray(label).ravel() != 0
    scores = np.asarray(score, dtype=np.float64).ravel()
    if len(truth) != len(scores):
        raise ValueError(f"{len(truth)} labels for {len(scores)} scores")
    bad = int(np.count_nonzero(np.isnan(scores)))
    if bad:
        raise TrainingError(
            f"evaluation: {bad} of {len(scores)} window scores are NaN: the model diverged. "
            f"Train it again with a lower --learning-rate"
        )
    # Ranking metrics subtract neighbouring scores, which must not overflow.
    limit = np.finfo(np.float64).max / 4
    return truth, np.clip(scores, -limit, limit)
