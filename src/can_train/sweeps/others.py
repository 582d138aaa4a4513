"""Detectors of others beside the runs of a sweep: the same in all evaluations of one seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from can_train.sweeps.results import Figures, Result, average_of, over_seeds_of

if TYPE_CHECKING:
    from can_train.comparison.intervals import SeedMean


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRows:
    """One detector on one dataset.

    Attributes:
        dataset: The dataset.
        name: What it is called; with its windows where those of a sweep differ.
        figures: On the test scenarios, by seed.
    """

    dataset: str
    name: str
    figures: dict[int, Figures]

    def test(self, figure: str) -> SeedMean | None:
        """A figure, averaged over the official scenarios, over seeds; None unless all have it."""
        return over_seeds_of(average_of(found, figure) for found in self.figures.values())


def others_of(results: Sequence[Result]) -> tuple[OtherRows, ...]:
    """By dataset and name; a seed that several runs have counts once."""
    found: dict[tuple[str, str, str], dict[int, Figures]] = {}
    for result in results:
        for name, figures in result.others.items():
            key = (result.dataset, name, result.windows)
            found.setdefault(key, {}).setdefault(result.seed or 0, figures)
    return tuple(
        OtherRows(dataset=dataset, name=_name(name, windows, found), figures=figures)
        for (dataset, name, windows), figures in sorted(found.items(), key=lambda pair: pair[0])
    )


def _name(name: str, windows: str, known: Iterable[tuple[str, str, str]]) -> str:
    several = len({each for _, other, each in known if other == name}) > 1
    return f"{name} ({windows})" if several else name
