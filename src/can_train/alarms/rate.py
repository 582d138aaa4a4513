"""How often there are alarms, and how often there may be."""

from __future__ import annotations

from typing import Final

from scipy.special import gammaincinv

UPPER_CONFIDENCE: Final = 0.95
"""One-sided confidence of the upper bound on false alarms."""


def poisson_upper(count: int) -> float:
    """Upper 95 % bound on the mean of a Poisson variable that came out as `count`.

    The mean m with P(X <= count | m) = 0.05 (Garwood, 1936); 2.996 at 0, the rule of three.
    """
    return float(gammaincinv(count + 1, UPPER_CONFIDENCE))
