"""From errors to scores and from benign scores to a threshold.

Both are fitted once on benign held-out windows, stored in the artifact and used everywhere.
"""

from __future__ import annotations

import functools
import logging
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from can_train.errors import ArtifactError, DataError, TrainingError

_LOG: Final = logging.getLogger(__name__)

_SMALLEST_SCALE: Final = 1e-12
"""Unit of the tails when the calibration errors are (nearly) zero; keeps ratios finite."""

_LARGEST_SCORE: Final = float(np.nextafter(1.0, 0.0))
_SMALLEST_SCORE: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A window alarms if, and only if, its score is greater than `value`.

    Attributes:
        value: The threshold, in units of the score.
        target_fpr: False-alarm rate per benign window for which it was set, in (0, 1].
        benign_windows: Number of benign calibration windows behind it.
        exact: Whether they were enough; otherwise `value` is merely their maximum, unless
            synthetic recordings ask for more (`robust_threshold`).
    """

    value: float
    target_fpr: float
    benign_windows: int
    exact: bool


ROBUST_QUANTILE: Final = 0.998
"""Benign windows of one synthetic recording that may not alarm."""

ROBUST_SHARE: Final = 0.66
"""Of the recordings' quantiles, so that one odd recording moves it little. Both numbers are those
of prototypes; folds that leave a vehicle out confirmed them (docs/guides/unknown-cars.md)."""


def robust_threshold(scores: ArrayLike, recording: ArrayLike, real: Threshold) -> Threshold:
    """A threshold that also holds on other cars: from quantiles of single recordings.

    The 66th percentile over recordings of each one's 99.8 % quantile, both as order statistics,
    but never below the threshold of real windows, so that their false alarms stay within its
    target. A pool of all windows would be ruled by the oddest recording.

    Args:
        scores: Scores of benign windows of held-out synthetic recordings [n].
        recording: Which recording each is of [n].
        real: The conformal threshold of real benign windows.

    Raises:
        TrainingError: Scores are NaN.
    """
    values, of = np.asarray(scores, np.float64), np.asarray(recording)
    _refuse_nan(values, "synthetic benign")
    quantiles = [
        np.quantile(values[of == number], ROBUST_QUANTILE, method="higher")
        for number in np.unique(of)
    ]
    value = float(np.quantile(quantiles, ROBUST_SHARE, method="higher"))
    return replace(real, value=max(value, real.value))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmpiricalCdf:
    r"""Anomaly score of a window: how its error ranks among those of benign windows.

    .. math:: s(e_{(i)}) = \frac{i}{n + 1}

    at the i-th smallest of n calibration errors, linear in between. Above the largest one the
    score keeps rising, :math:`s(e) = 1 - \frac{1}{(n + 1)(1 + \ln(e / e_{(n)}))}`, so that two
    errors far outside benign experience are still told apart (a logarithm, since 1 - 1/e would
    run out of float64 digits); below the smallest one it falls towards 0 in the same way.

    Attributes:
        errors: Calibration errors in ascending order [n], float64.
    """

    errors: NDArray[np.float64]

    @classmethod
    def fit(cls, errors: ArrayLike) -> EmpiricalCdf:
        """CDF of the errors of benign windows [n], any order.

        Raises:
            DataError: There are no errors.
            TrainingError: An error isn't finite.
        """
        values = np.sort(np.asarray(errors, dtype=np.float64).ravel())
        if not len(values):
            raise DataError(
                "anomaly score: no benign window to fit it on; at least 1 is needed. "
                "Prepare the dataset with longer benign recordings and train again"
            )
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise TrainingError(
                f"anomaly score: {bad} of {len(values)} benign errors aren't finite: training "
                f"diverged. Train again with a lower --learning-rate"
            )
        return cls(errors=values)

    def to_array(self) -> NDArray[np.float64]:
        """The errors in ascending order [n], as `from_array` takes them."""
        return self.errors.copy()

    @classmethod
    def from_array(cls, errors: ArrayLike) -> EmpiricalCdf:
        """Restores a CDF from what `to_array` gave.

        Raises:
            ArtifactError: The array isn't one: empty, unordered, or not finite.
        """
        values = np.array(errors, dtype=np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise ArtifactError(
                f"stored anomaly score: calibration errors of shape {values.shape}; one or more "
                f"finite numbers in one row are needed. Train this model again"
            )
        if np.any(np.diff(values) < 0):
            raise ArtifactError(
                "stored anomaly score: calibration errors must be in ascending order. "
                "Train this model again"
            )
        return cls(errors=values)

    def __call__(self, error: ArrayLike) -> NDArray[np.float64]:
        """Anomaly scores in (0, 1), float64, of errors of any shape; NaN stays NaN."""
        values = torch.from_numpy(np.asarray(error, dtype=np.float64).copy())
        return np.asarray(RankScore(self)(values).numpy())


class RankScore(nn.Module):
    """`EmpiricalCdf` as a module.

    Args:
        cdf: Calibration errors.
    """

    def __init__(self, cdf: EmpiricalCdf) -> None:
        super().__init__()
        known, first = np.unique(cdf.errors, return_index=True)
        self._steps = len(cdf.errors) + 1.0
        rank = np.append(first[1:], len(cdf.errors)) / self._steps
        with np.errstate(over="ignore"):
            # Finite even between errors that differ by a subnormal number: inf * 0 is no score.
            slope = np.minimum(np.diff(rank) / np.diff(known), np.finfo(np.float64).max)
        self.known = nn.Buffer(torch.from_numpy(known))
        self.rank = nn.Buffer(torch.from_numpy(rank))
        self.slope = nn.Buffer(torch.from_numpy(np.append(slope, 0.0)))

    def forward(self, error: Tensor) -> Tensor:
        """Anomaly scores in (0, 1), float64, of errors (float64, any shape)."""
        known, rank = self.known, self.rank
        at = (torch.searchsorted(known, error.contiguous(), right=True) - 1).clamp(min=0)
        score = self.slope[at] * (error - known[at]) + rank[at]
        above = 1.0 - _tail(error - known[-1], known[-1]) / self._steps
        below = rank[0] * _tail(known[0] - error, known[0])
        score = torch.where(error > known[-1], above, score)
        score = torch.where(error < known[0], below, score)
        return score.clamp(_SMALLEST_SCORE, _LARGEST_SCORE)


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
        value=value, target_fpr=float(target_fpr), benign_windows=len(scores), exact=exact
    )


def _refuse_nan(scores: NDArray[np.float64], which: str) -> None:
    if bad := int(np.count_nonzero(np.isnan(scores))):
        raise TrainingError(
            f"threshold: {bad} of {len(scores)} {which} scores are NaN: training "
            f"diverged. Train again with a lower --learning-rate"
        )


def _tail(distance: Tensor, edge: Tensor) -> Tensor:
    """1 / (1 + ln(1 + distance / |edge|)): 1 at the edge, towards 0 beyond it."""
    scale = edge.abs().clamp(min=_SMALLEST_SCALE)
    return 1.0 / (1.0 + torch.log1p(distance.clamp(min=0.0) / scale))


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
