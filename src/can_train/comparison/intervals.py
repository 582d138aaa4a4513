"""Means over seeds with Student's t intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95
"""Two-sided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMean:
    """A mean over seeds.

    Attributes:
        mean: Arithmetic mean.
        half_width: Of its 95 % interval; None for one value, which says nothing about spread.
        count: How many values.
    """

    mean: float
    half_width: float | None
    count: int

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""
        return None if self.half_width is None else self.mean + self.half_width


def over_seeds(values: Sequence[float | None]) -> SeedMean | None:
    """Mean and interval mean ± t(0.975, n-1)·s/√n (Student, Biometrika 1908), in float64.

    Args:
        values: One per seed; None where the figure isn't defined.

    Returns:
        None without values, or where one isn't defined: the others would be another sample.
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    count = len(known)
    mean = math.fsum(known) / count
    if count == 1:
        return SeedMean(mean=mean, half_width=None, count=1)
    from scipy.stats import t

    variance = math.fsum((value - mean) ** 2 for value in known) / (count - 1)
    quantile = float(t.ppf(0.5 + CONFIDENCE / 2, count - 1))
    return SeedMean(mean=mean, half_width=quantile * math.sqrt(variance / count), count=count)


def paired(treated: Sequence[float | None], plain: Sequence[float | None]) -> SeedMean | None:
    """Interval of the mean difference `treated - plain`, value by value."""
    differences = [
        None if a is None or b is None else a - b for a, b in zip(treated, plain, strict=True)
    ]
    return over_seeds(differences)
