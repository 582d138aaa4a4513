"""From margins of benign windows to a threshold, stored in the artifact and used everywhere."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.errors import DataError, TrainingError

_LOG: Final = logging.getLogger(__name__)

Rule = Literal["real", "robust", "experts"]
"""What sets a threshold: real benign windows together, single recordings, or other thresholds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A window alarms if, and only if, its score is greater than `value`.

    Attributes:
        value: The threshold, in units of the score.
        target_fpr: False-alarm rate per benign window for which it was set, in (0, 1].
        benign_windows: Number of benign calibration windows behind it.
        exact: Whether they were enough; otherwise `real_value` is merely their maximum.
        rule: What set it: `real` benign windows alone (`conformal_threshold`), or the
            `robust` quantiles of single recordings (`robust_threshold`), or those of the `experts`
            of a fusion by maximum; windows and exactness are then the classifier's.
        real_value: What real benign windows ask for.
        robust_value: What single recordings ask for, or the experts; None where there are fewer
            than four recordings.
        relief: What is added to the scores of a car that was trained on, so that `value` holds for
            it, too: its own traffic asks for a lower threshold than other cars do.
        level: Median score up to which a recording is calm: what its own lies below that is added
            to its scores (`level.Levelling`); None: nothing is.
    """

    value: float
    target_fpr: float
    benign_windows: int
    exact: bool
    rule: Rule
    real_value: float
    robust_value: float | None = None
    relief: float = 0.0
    level: float | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `asdict` gave, checked.

        Raises:
            TypeError: A part is missing or unknown.
            ValueError: A number isn't finite, or calm reaches up to the threshold.
        """
        found = cls(**plain)
        level = found.trained - 1.0 if found.level is None else found.level
        if not all(map(math.isfinite, (found.value, found.trained, found.relief, level))):
            raise ValueError(f"threshold: its numbers must be finite: {dict(plain)}")
        if level >= found.trained:
            raise ValueError(f"threshold {found.trained:g}: its level, {level:g}, must be lower")
        return found

    @property
    def trained(self) -> float:
        """The threshold of the training, whatever a calibration to a vehicle made of it."""
        return self.real_value if self.robust_value is None else self.robust_value

    @property
    def level_step(self) -> float:
        """How exactly a recording's median is known: 1/64 of the way from level to threshold."""
        return 0.0 if self.level is None else (self.trained - self.level) / _LEVEL_STEPS


ROBUST_SHARE: Final = 0.8
"""Of the recordings' quantiles, so that a few odd recordings move it little. Chosen on folds and on
the training files of other datasets (docs/models/results.md)."""

OWN_SHARE: Final = 2 / 3
"""The same of real recordings alone, among which there may be several drives that begin with the
ignition (docs/models/results.md)."""

RECORDING_RATE: Final = 2.0
"""False-alarm rate of a real recording in units of the target: some lie above, most below it."""

SYNTHETIC_RATE: Final = 10.0
"""The same of a synthetic recording, which holds more oddities in a minute than a car in an hour.
Chosen on the training files of other datasets (docs/models/results.md)."""

_LEVEL_STEPS: Final = 64

FEWEST_RECORDINGS: Final = 4
"""With fewer, a quantile of them says little."""

RELIEF_SHARE: Final = 0.5
"""How far a car that was trained on goes from the common threshold to its own one. Chosen on the
fusion side of the training recordings, which no threshold rests on (docs/models/results.md)."""

_FAMILIAR: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """Benign windows [n] of recordings that nothing was fitted on.

    Attributes:
        score: Their scores [n], float64.
        recording: Which recording each is of [n].
        synthetic: Whether that is a synthetic one [n], bool.
        familiarity: How far its car is one that was trained on, from 0 to 1 [n], float64.
    """

    score: NDArray[np.float64]
    recording: NDArray[np.integer]
    synthetic: NDArray[np.bool_]
    familiarity: NDArray[np.float64]


def robust_threshold(held_out: HeldOut, real: Threshold) -> Threshold:
    """A threshold that no single recording decides: from quantiles of each.

    Of each recording, synthetic or real, the score that a small multiple of the target rate of its
    windows exceeds; of these the one that four fifths don't exceed (two thirds of real ones alone),
    and never the highest: both are order statistics. A pool of all windows would be ruled by the
    oddest recording, as the conformal threshold of real windows is: a single drive that begins with
    the ignition may hold all of the few windows that set it.

    Where real windows suffice for the target rate, scores of cars that were trained on get a
    relief: half of what their own recordings, taken alone, ask for less.

    Args:
        held_out: Benign windows of recordings, of synthetic ones where the threshold is to hold on
            other cars.
        real: The conformal threshold of real benign windows.

    Returns:
        `real` where there are fewer than four recordings.

    Raises:
        TrainingError: Scores are NaN.
    """
    _refuse_nan(held_out.score, "calibration")
    recordings = np.unique(held_out.recording)
    if len(recordings) < FEWEST_RECORDINGS:
        return real
    parts = [held_out.recording == number for number in recordings]
    quantiles = np.array([_highest_usual(held_out, part, real.target_fpr) for part in parts])
    familiar = np.array([held_out.familiarity[part].mean() > _FAMILIAR for part in parts])
    value = _upper(quantiles, ROBUST_SHARE if held_out.synthetic.any() else OWN_SHARE)
    relief = 0.0
    if real.exact and np.count_nonzero(familiar) >= FEWEST_RECORDINGS:
        relief = RELIEF_SHARE * max(0.0, value - _upper(quantiles[familiar], OWN_SHARE))
    return replace(real, value=value, rule="robust", robust_value=value, relief=relief)


def _highest_usual(held_out: HeldOut, part: NDArray[np.bool_], target_fpr: float) -> float:
    """The score that a recording's allowed rate of windows exceeds."""
    rate = SYNTHETIC_RATE if held_out.synthetic[part].any() else RECORDING_RATE
    quantile = max(0.0, 1.0 - rate * target_fpr)
    return float(np.quantile(held_out.score[part], quantile, method="higher"))


def _upper(quantiles: NDArray[np.float64], share: float) -> float:
    """What that share of them doesn't exceed, and never the highest."""
    last = len(quantiles) - 1
    at = min(math.ceil(share * last), last - 1)
    return float(np.partition(quantiles, at)[at])


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
