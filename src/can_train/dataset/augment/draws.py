"""Random figures that the synthetic universe is drawn with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from can_train.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From `low` to `high`, both in the unit that the name of the range states."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ConfigError(f"range {self.low:g} to {self.high:g}: needed is 0 <= low <= high")

    def at_least(self, low: float) -> Range:
        """The part of the range above `low`, or `low` alone where nothing is."""
        return Range(low=max(self.low, low), high=max(self.high, low))

    def at_most(self, high: float) -> Range:
        """The part of the range below `high`, or `high` alone where nothing is."""
        return Range(low=min(self.low, high), high=min(self.high, high))

    def uniform(self, rng: np.random.Generator) -> float:
        """Any value of the range, all equally likely."""
        return float(rng.uniform(self.low, self.high))

    def log_uniform(self, rng: np.random.Generator) -> float:
        """Any value of the range, all orders of magnitude equally likely; `low` > 0."""
        return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))

    def whole(self, rng: np.random.Generator) -> int:
        """A whole number of the range, all orders of magnitude equally likely; `low` >= 1."""
        return min(math.floor(Range(low=self.low, high=self.high + 1).log_uniform(rng)), self.top)

    @property
    def top(self) -> int:
        """Largest whole number of the range."""
        return math.floor(self.high)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)
