"""The margins that a detector's calibration rests on, and p-values from them.

A margin is unbounded and means nothing by itself; its p-value says how rare it is among benign
windows that the detector wasn't fitted on.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from can_train.detectors.calibration import SYNTHETIC_RATE, Threshold
from can_train.detectors.kernels.window import SurpriseTable, Yardstick
from can_train.errors import ArtifactError, TrainingError

MOST_MARGINS: Final = 2000
"""Margins that are kept of one population."""

_ALL_OF_THE_LARGEST: Final = 500
"""Of those, the largest ones: the tail decides about alarms, so none of it is left out."""

_TAIL_QUANTILE: Final = 0.9
_SMALLEST_TAIL: Final = 0.01
"""Unit beyond the largest margin where the largest ones are (nearly) equal. Margins are logarithms
(of odds, of errors), so this is one percent."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Margins:
    r"""Margins of n windows of one kind, and how rare another one is among them.

    .. math:: p(m) = \frac{1 + \#\{m_i \ge m\}}{n + 1}, \qquad
       p(m) = \frac{1}{n + 1} \cdot \frac{1}{1 + (m - m_{(n)}) / s} \text{ for } m > m_{(n)}

    The first is the conformal p-value (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random
    World, 2005, section 2.2). It can't fall below 1/(n + 1), so beyond the largest margin it goes
    on falling in units s of the spread among the largest ones: slowly, since n windows say little
    about what is that rare.

    Attributes:
        values: In ascending order [k], float64: all n up to 2,000, else the 500 largest and evenly
            spaced ones of the rest, where a p-value is the next larger one that is known.
        windows: Number of windows n.
    """

    values: NDArray[np.float64]
    windows: int

    @classmethod
    def of(cls, margins: ArrayLike) -> Margins:
        """Those of n windows, any order.

        Raises:
            TrainingError: A margin isn't finite.
        """
        found = np.sort(np.asarray(margins, np.float64).ravel())
        if bad := int(np.count_nonzero(~np.isfinite(found))):
            raise TrainingError(
                f"calibration: {bad} of {len(found)} margins aren't finite: training diverged. "
                f"Train again with a lower --learning-rate"
            )
        return cls(values=found[_kept(len(found))], windows=len(found))

    def p_value(self, margin: ArrayLike) -> NDArray[np.float64]:
        """p-values in (0, 1], float64, of margins of any shape; NaN stays NaN.

        Without any window to compare with nothing is rare: all are 1.
        """
        asked = np.asarray(margin, np.float64)
        if not self.windows:
            return np.where(np.isnan(asked), np.nan, 1.0)
        below = np.searchsorted(self.values, asked, side="left")
        smaller = np.append(0, _kept(self.windows) + 1)[below]
        p = (1.0 + self.windows - smaller) / (self.windows + 1.0)
        beyond = np.maximum(asked - self.values[-1], 0.0)
        p = np.maximum(p / (1.0 + beyond / self.tail), np.finfo(np.float64).tiny)
        return np.where(np.isnan(asked), np.nan, p)

    def share_above(self, margin: float) -> float:
        """Share of the windows with a larger margin than this; 0 if there are none."""
        if not self.windows:
            return 0.0
        below = int(np.searchsorted(self.values, margin, side="right"))
        return 1.0 - float(np.append(0, _kept(self.windows) + 1)[below]) / self.windows

    @property
    def median(self) -> float:
        """Middle one of the n margins (the next larger one that is known); 0 if there are none."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float:
        """What a share of the n margins isn't above (the next larger one that is known), or 0."""
        if not self.windows:
            return 0.0
        rank = min(int(max(share, 0.0) * self.windows), self.windows - 1)
        return float(self.values[np.searchsorted(_kept(self.windows), rank)])

    @property
    def tail(self) -> float:
        """Unit s beyond the largest margin: mean excess over the 90 % quantile."""
        edge = np.quantile(self.values, _TAIL_QUANTILE)
        largest = self.values[self.values >= edge]
        return max(float(np.mean(largest - edge)), _SMALLEST_TAIL)


def _no_margins() -> Margins:
    return Margins(values=np.zeros(0), windows=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationEvidence:
    """Margins of windows on the threshold sides of the split, which nothing was fitted on.

    Attributes:
        benign: Real benign windows.
        synthetic: Benign windows of held-out synthetic recordings that don't come right after an
            attack; none without such recordings.
        attack: Attack windows, real and synthetic.
    """

    benign: Margins = field(default_factory=_no_margins)
    synthetic: Margins = field(default_factory=_no_margins)
    attack: Margins = field(default_factory=_no_margins)

    @property
    def other_cars(self) -> Margins:
        """Benign margins that hold for any car: synthetic ones where there are some."""
        return self.synthetic if self.synthetic.windows else self.benign

    def p_value(self, margin: ArrayLike) -> NDArray[np.float64]:
        """How rare margins of any shape are among real benign windows; see `Margins`."""
        return self.benign.p_value(margin)

    def to_plain(self) -> dict[str, dict[str, Any]]:
        """Arrays and numbers."""
        return {
            item.name: {"values": part.values, "windows": part.windows}
            for item, part in self._parts()
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Mapping[str, Any]]) -> CalibrationEvidence:
        """What `to_plain` gave, checked.

        Raises:
            ArtifactError: Margins are missing, unordered or not finite.
            KeyError: A population is missing.
        """
        return cls(**{item.name: _checked(item.name, plain[item.name]) for item in fields(cls)})

    def _parts(self) -> list[tuple[Any, Margins]]:
        return list(zip(fields(self), (self.benign, self.synthetic, self.attack), strict=True))


class PValues:
    """p-values of single margins, bit for bit those of `Margins.p_value`, in a microsecond.

    Args:
        margins: What they are compared with.
    """

    def __init__(self, margins: Margins) -> None:
        windows = margins.windows
        smaller = np.append(0, _kept(windows) + 1)
        self._values: list[float] = margins.values.tolist()
        self._p: list[float] = ((1.0 + windows - smaller) / (windows + 1.0)).tolist()
        self._tail = margins.tail if windows else 1.0

    def of(self, margin: float) -> float:
        """p-value in (0, 1] of a margin that is a number."""
        if not self._values:
            return 1.0
        p = self._p[bisect_left(self._values, margin)]
        if margin <= self._values[-1]:
            return p
        return max(p / (1.0 + (margin - self._values[-1]) / self._tail), sys.float_info.min)


def surprise_table(margins: Margins) -> SurpriseTable:
    """-log p of margins: that of the p-value at each kept margin, and linear in between.

    So what differs in the last digits stays as close. It is zero below the smallest margin, and
    everywhere if there are no windows.
    """
    known = np.unique(margins.values) if margins.windows else np.array([np.inf])
    level = -np.log(margins.p_value(known)) if margins.windows else np.zeros(1)
    with np.errstate(over="ignore"):
        # Finite even between margins that differ by a subnormal number: inf * 0 is no number.
        slope = np.minimum(np.diff(level) / np.diff(known), np.finfo(np.float64).max)
    tail = margins.tail if margins.windows else 1.0
    return SurpriseTable(known=known, level=level, slope=np.append(slope, 0.0), tail=tail)


def yardstick_of(
    threshold: Threshold, evidence: CalibrationEvidence, holds_on_other_cars: bool
) -> Yardstick:
    """What makes the scores of different detectors comparable: 0 is an alarm, -1 a usual window.

    Args:
        threshold: Of the detector.
        evidence: What it rests on.
        holds_on_other_cars: Whether it is for them, too. If not, theirs is the score that as many
            of their windows exceed as a synthetic recording may have alarms.
    """
    near, others = threshold.trained, evidence.other_cars
    if holds_on_other_cars:
        unit = max(near - others.median, _SMALLEST_TAIL)
        return Yardstick(near, unit, near, unit)
    far = max(near, others.quantile(1.0 - SYNTHETIC_RATE * threshold.target_fpr))
    return Yardstick(
        threshold=near,
        unit=max(near - evidence.benign.median, _SMALLEST_TAIL),
        far_threshold=far,
        far_unit=max(far - others.median, _SMALLEST_TAIL),
    )


def level_of(threshold: Threshold, evidence: CalibrationEvidence) -> float:
    """Median up to which a recording is calm, for a threshold that holds on other cars.

    That of usual windows: a recording that is calmer alarms as far above its own median as a usual
    one above that.
    """
    return threshold.trained - yardstick_of(threshold, evidence, True).unit


def _kept(windows: int) -> NDArray[np.int64]:
    """Ranks, from 0, of the margins that are kept of so many."""
    if windows <= MOST_MARGINS:
        return np.arange(windows)
    rest = windows - _ALL_OF_THE_LARGEST
    spaced = np.round(np.linspace(0, rest - 1, MOST_MARGINS - _ALL_OF_THE_LARGEST))
    return np.concatenate([spaced.astype(np.int64), np.arange(rest, windows)])


def _checked(name: str, plain: Mapping[str, Any]) -> Margins:
    values, windows = plain["values"], int(plain["windows"])
    if values.shape != (min(max(windows, 0), MOST_MARGINS),):
        raise ArtifactError(
            f"stored evidence: {values.shape} margins of {windows} {name} windows. "
            f"Train this model again"
        )
    if not np.isfinite(values).all() or np.any(np.diff(values) < 0):
        raise ArtifactError(
            f"stored evidence: {name} margins must be finite and in ascending order. "
            f"Train this model again"
        )
    return Margins(values=values, windows=windows)
