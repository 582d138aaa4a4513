"""From margins of benign windows to a threshold, stored in the artifact and used everywhere."""

from __future__ import annotations

import functools
import logging
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.errors import DataError, TrainingError

_LOG: Final = logging.getLogger(__name__)

Rule = Literal["real", "robust"]
"""What sets a threshold: all real benign windows together, or single recordings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A window alarms if, and only if, its score is greater than `value`.

    Attributes:
        value: The threshold, in units of the score.
        target_fpr: False-alarm rate per benign window for which it was set, in (0, 1].
        benign_windows: Number of benign calibration windows behind it.
        exact: Whether they were enough; otherwise `real_value` is merely their maximum.
        rule: What set it: `real` benign windows alone (`conformal_threshold`), or the
            `robust` quantiles of single recordings (`robust_threshold`).
        real_value: What real benign windows ask for.
        robust_value: What single recordings ask for; None where there are fewer than four.
    """

    value: float
    target_fpr: float
    benign_windows: int
    exact: bool
    rule: Rule
    real_value: float
    robust_value: float | None = None


ROBUST_SHARE: Final = 0.75
"""Of the recordings' quantiles, so that a few odd recordings move it little. Chosen on folds and on
the training files of other datasets (docs/models/results.md)."""

RECORDING_RATE: Final = 2.0
"""False-alarm rate of a single recording in units of the target: some lie above, most below it."""


FEWEST_RECORDINGS: Final = 4
"""With fewer, a quarter of them is none."""


def robust_threshold(scores: ArrayLike, recording: ArrayLike, real: Threshold) -> Threshold:
    """A threshold that no single recording decides: from quantiles of each.

    The 75th percentile over recordings, synthetic and real, of the score that twice the target
    rate of each one's windows exceeds; both are order statistics. A pool of all windows would be
    ruled by the oddest recording, as the conformal threshold of real windows is: a single drive
    that begins with the ignition may hold all of the few windows that set it.

    Args:
        scores: Scores of benign windows of held-out recordings, synthetic ones where the threshold
            is to hold on other cars [n].
        recording: Which recording each is of [n].
        real: The conformal threshold of real benign windows.

    Returns:
        `real` where there are fewer than four recordings.

    Raises:
        TrainingError: Scores are NaN.
    """
    values, of = np.asarray(scores, np.float64), np.asarray(recording)
    _refuse_nan(values, "calibration")
    if len(np.unique(of)) < FEWEST_RECORDINGS:
        return real
    quantile = max(0.0, 1.0 - RECORDING_RATE * real.target_fpr)
    quantiles = [
        np.quantile(values[of == number], quantile, method="higher") for number in np.unique(of)
    ]
    value = float(np.quantile(quantiles, ROBUST_SHARE, method="higher"))
    return replace(real, value=value, rule="robust", robust_value=value)


def conformal_threshold(benign_scores: ArrayLike, target_fpr: float) -> Threshold:
    r"""Order statistic that a further benign window exceeds with at most `target_fpr`.

    .. math:: k = \lceil (n + 1)(1 - \alpha) \rceil, \quad \tau = s_{(k)}, \quad
       P(s_{n+1} > \tau) \le 1 - \frac{k}{n + 1} \le \alpha

    for exchangeable scores (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World,
    2005, section 2.2). When k > n the promise needs more windows than there are: the largest score
    is used, `exact` is false and a warning is logged once.

    Args:
        benign_scores: Scores of benign calibration windows [n].
        target_fpr: False-alarm rate per benign window, in (0, 1).

    Raises:
        DataError: There is no benign calibration window.
        TrainingError: A score isn't a number.
    """
    if not 0 < target_fpr < 1:
        raise ValueError(f"target_fpr {target_fpr}: must lie between 0 and 1")
    scores = np.asarray(benign_scores, dtype=np.float64).ravel()
    if not len(scores):
        raise DataError(
            "threshold: no benign calibration window; at least 1 is needed. "
            "Prepare the dataset with longer benign recordings and train again"
        )
    _refuse_nan(scores, "benign calibration")
    # The decimal number that was typed: in binary, 0.29 * 100 is less than 29.
    allowed = math.floor((len(scores) + 1) * Fraction(repr(float(target_fpr))))
    exact = allowed >= 1
    if not exact:
        _warn_too_few(len(scores), float(target_fpr))
    k = min(len(scores) + 1 - allowed, len(scores))
    value = float(np.partition(scores, k - 1)[k - 1])
    return Threshold(
        value=value,
        target_fpr=float(target_fpr),
        benign_windows=len(scores),
        exact=exact,
        rule="real",
        real_value=value,
    )


def _refuse_nan(scores: NDArray[np.float64], which: str) -> None:
    if bad := int(np.count_nonzero(np.isnan(scores))):
        raise TrainingError(
            f"threshold: {bad} of {len(scores)} {which} scores are NaN: training "
            f"diverged. Train again with a lower --learning-rate"
        )


@functools.cache
def _warn_too_few(windows: int, target_fpr: float) -> None:
    """Warns once per process and case, not once per scorer."""
    needed = math.ceil(1 / Fraction(repr(target_fpr))) - 1
    _LOG.warning(
        "%d benign calibration windows can't show a false-alarm rate of %g (%d are needed): "
        "their largest score is the threshold",
        windows,
        target_fpr,
        needed,
    )
