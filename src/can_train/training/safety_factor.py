"""Which share of the largest batch that fits is used, and how runs change it (stdlib only)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Final, Literal

from can_train.config.batch_factors import HandSetFactors
from can_train.config.schema import RunConfig
from can_train.vocab import WITH_KD

Outcome = Literal["finished", "out of memory"]
FactorSource = Literal["learned", "hand-set", "default"]

AFTER_OUT_OF_MEMORY: Final = -0.15
"""At once, not damped."""

TARGET: Final = 0.90
"""Peak share of the device's memory that is aimed at."""

DAMPING: Final = 0.3
HIGHEST: Final = 0.8
LOWEST: Final = 0.3
LOWEST_DISTILLED: Final = 0.2

_WEIGHTS: Final = ((0.50, 0.5), (0.70, 0.3), (0.85, 0.1), (0.95, 0.2), (math.inf, 0.5))
"""Upper end of a range of peak shares, and how much of the way to the target is gone there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorKey:
    """What a learned factor is for.

    Attributes:
        dataset, model, model_size, training_strategy, distillation: Words of the run.
        device_class: Kind of device and its memory.
    """

    dataset: str
    model: str
    model_size: str
    training_strategy: str
    distillation: str
    device_class: str

    @property
    def distils(self) -> bool:
        """Whether it is for stages with a teacher."""
        return self.distillation == WITH_KD

    def coarser(self) -> Iterator[tuple[str, FactorKey]]:
        """The key, then coarser ones, and what each leaves open (`*`).

        Device and distillation stay: a factor of another device says nothing, and one that was
        learned without a teacher lacks its share.
        """
        left: dict[str, str] = {}
        yield "the same kind of run", self
        for name, words in (
            ("training_strategy", "any strategy"),
            ("model_size", "any size and strategy"),
            ("model", "any model"),
        ):
            left[name] = "*"
            yield words, replace(self, **left)

    def covers(self, other: FactorKey) -> bool:
        """Whether `other` is of this kind, where `*` stands for anything."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return all(mine in {"*", theirs} for mine, theirs in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyFactor:
    """The factor of one run and where it comes from.

    Attributes:
        value: Share of the largest batch that fits.
        source: learned, hand-set or default.
        base: The hand-set or default factor before distillation.
        multiplier: What distillation multiplied `base` by; 1 without.
        detail: The file, or the runs that a learned one rests on.
    """

    value: float
    source: FactorSource
    base: float
    multiplier: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one run, or one shortage of memory in it, says.

    Attributes:
        outcome: How it ended.
        peak_share: Peak share of the device's memory; None where it wasn't measured.
    """

    outcome: Outcome
    peak_share: float | None = None


def key_of(config: RunConfig, device_class: str) -> FactorKey:
    """What a factor of the run that `config` describes is for."""
    return FactorKey(
        dataset=config.dataset,
        model=config.model,
        model_size=config.model_size,
        training_strategy=config.training_strategy,
        distillation=config.distillation_word,
        device_class=device_class,
    )


def adjustment(peak_share: float) -> float:
    """How far a run with this peak share moves the factor before damping (domain rules)."""
    weight = next(weight for below, weight in _WEIGHTS if peak_share < below)
    return (TARGET - peak_share) * weight


def adjusted(factor: float, seen: Observation, *, distils: bool) -> float:
    """The factor after one observation; a shortage of memory never raises it."""
    lowest = LOWEST_DISTILLED if distils else LOWEST
    if seen.outcome == "out of memory":
        return min(factor, max(lowest, factor + AFTER_OUT_OF_MEMORY))
    if seen.peak_share is None:
        return factor
    moved = factor + DAMPING * adjustment(seen.peak_share)
    return min(max(moved, lowest), HIGHEST)


def learned(start: float, seen: Iterable[Observation], *, distils: bool) -> float:
    """The factor after all observations, the oldest first."""
    for observation in seen:
        start = adjusted(start, observation, distils=distils)
    return start


def hand_set(key: FactorKey, factors: HandSetFactors) -> SafetyFactor:
    """What was set by hand for the dataset, else the default; distillation multiplies it once."""
    known = key.dataset in factors.datasets
    base = factors.datasets.get(key.dataset, factors.default)
    multiplier = factors.distillation if key.distils else 1.0
    return SafetyFactor(
        value=round(base * multiplier, 6),  # .4125, not .41250000000000003
        source="hand-set" if known else "default",
        base=base,
        multiplier=multiplier,
        detail=str(factors.path),
    )
