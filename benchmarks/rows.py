"""What a benchmark gives: figures beside a reference that ran in turn with it (stdlib only).

A module `benchmarks/<name>.py` whose name is in `benchmarks.__main__.PARTS` has

    def rows(rounds: int) -> Iterator[Row]

and gives a row per figure, mostly by `measured`. It runs in a process of its own.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, cast

Unit = Literal["windows/s", "frames/s", "decisions/s", "CPU-s", "ms", "MB"]
RATES: Final = ("windows/s", "frames/s", "decisions/s")
"""Units of which more is better; of all others less is."""

QUICK: Final = 3
"""With fewer rounds the longest figures are left out."""

NOISE: Final = 0.10
"""Share by which the upper quartile may lie below the stored lower one before it is a loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        part: Table that it stands in, such as "Training".
        what: What was measured.
        unit: Of `value` and `reference`.
        value: Median of the rounds.
        beside: What ran in turn with it.
        reference: Median of the rounds of that.
        ratio: How many times as good as the reference, the median over rounds: above 1 is better.
        low, high: Quartiles of that ratio over the rounds.
        rounds: How often both ran.
    """

    part: str
    what: str
    unit: Unit
    value: float
    beside: str
    reference: float
    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others."""
        return self.part, self.what

    def __str__(self) -> str:
        return (
            f"{self.part:12} {self.what:48} {self.value:12,.5g} {self.unit:12}"
            f"{self.ratio:8.3g} ({self.low:.3g} to {self.high:.3g}) times {self.beside}"
        )


def measured(  # noqa: PLR0913 - the parts of a row
    part: str,
    what: str,
    unit: Unit,
    ours: Callable[[], float],
    beside: str,
    reference: Callable[[], float],
    rounds: int,
) -> Row:
    """Runs `ours` and `reference` in turn; a first round, which isn't counted, warms up.

    Args:
        part: See `Row`.
        what: See `Row`.
        unit: See `Row`.
        ours: Measures once, in that unit.
        beside: See `Row`.
        reference: Measures its own once.
        rounds: How often.
    """
    ours(), reference()
    pairs = []
    for number in range(rounds):
        if number % 2:
            other, one = reference(), ours()
        else:
            one, other = ours(), reference()
        pairs.append((one, other))
    return row_of(part, what, unit, beside, pairs)


def row_of(
    part: str, what: str, unit: Unit, beside: str, pairs: Iterable[tuple[float, float]]
) -> Row:
    """The figure that pairs of measurements make: ours and the reference's of each round."""
    ours, reference = zip(*pairs, strict=True)
    ratios = [
        one / other if unit in RATES else other / one
        for one, other in zip(ours, reference, strict=True)
    ]
    low, middle, high = (
        statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    )
    return Row(
        part=part,
        what=what,
        unit=unit,
        value=_rounded(statistics.median(ours)),
        beside=beside,
        reference=_rounded(statistics.median(reference)),
        ratio=_rounded(middle),
        low=_rounded(low),
        high=_rounded(high),
        rounds=len(ratios),
    )


def lost(now: Iterable[Row], stored: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Figures that fell behind the stored ones beyond noise: those of now, those of before."""
    before = {row.key: row for row in stored}
    both = [(row, before[row.key]) for row in now if row.key in before]
    return [(one, other) for one, other in both if one.high < other.low * (1.0 - NOISE)]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes a CSV file with a line per row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_rows(path: Path) -> list[Row]:
    """What `write_rows` wrote."""
    texts, numbers = ("part", "what", "unit", "beside"), ("value", "reference", "ratio")
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(
                **cast(Any, {name: line[name] for name in texts}),
                **cast(Any, {name: float(line[name]) for name in (*numbers, "low", "high")}),
                rounds=int(line["rounds"]),
            )
            for line in csv.DictReader(file)
        ]


def _rounded(figure: float) -> float:
    """Four digits: more say nothing."""
    return float(f"{figure:.4g}")
