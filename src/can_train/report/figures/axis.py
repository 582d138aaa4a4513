"""One axis of a sweep: the validation figure at each of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure

from can_train.report.figures.style import (
    CONTROL,
    HALF_IN,
    OWN,
    Canvas,
    Drawing,
    drawing_name,
)

_HEIGHT_IN: Final = 2.6
_STEP: Final = 0.06
_SPREAD: Final = 0.6
"""Between points of one value, and of all of them, in distances between two values."""
MOST_WORDS: Final = 8
"""Values that are written below the axis; of more, every second, third and so on is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisPoint:
    """A group of runs that differ by their seed only.

    Attributes:
        at: Which value of the axis they have.
        mean: Mean of their figure.
        half_width: Of its 95 % interval; None for a single run.
    """

    at: int
    mean: float
    half_width: float | None


def axis_drawing(
    axis: str, key: str, metric: str, values: Sequence[str], points: Sequence[AxisPoint]
) -> Drawing:
    """Dots with intervals over seeds, and a line through the means.

    Args:
        axis: Name of the axis.
        key: Dataset and model.
        metric: Name of the figure.
        values: Values of the axis in words, by their place.
        points: What came out.
    """
    means = _means(points)
    told = ", ".join(f"{mean:.4g} at {values[at]}" for at, mean in means)
    return Drawing(
        name=drawing_name("axis", axis, key),
        title=f"{axis.replace('_', ' ')}: {metric} of {key}",
        description=f"Mean {metric} over all else: {told}.",
        draw=lambda canvas: _draw(canvas, axis, metric, values, points),
        width_in=HALF_IN,
    )


def _apart(points: Sequence[AxisPoint]) -> list[float]:
    """Where each stands: those of one value side by side."""
    seen, most = Counter[int](), Counter(point.at for point in points)
    places = []
    for point in points:
        step = min(_STEP, _SPREAD / most[point.at])
        places.append(point.at + step * (seen[point.at] - (most[point.at] - 1) / 2))
        seen[point.at] += 1
    return places


def _means(points: Sequence[AxisPoint]) -> list[tuple[int, float]]:
    found = []
    for at in sorted({point.at for point in points}):
        mine = [point.mean for point in points if point.at == at]
        found.append((at, sum(mine) / len(mine)))
    return found


def _draw(
    canvas: Canvas, axis: str, metric: str, values: Sequence[str], points: Sequence[AxisPoint]
) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    axes.plot(*zip(*_means(points), strict=True), color=CONTROL, linewidth=1.2)
    axes.errorbar(
        _apart(points), [point.mean for point in points],
        yerr=[point.half_width or 0.0 for point in points],
        color=OWN, marker="o", markersize=4.5, linestyle="none", elinewidth=1.2,
    )  # fmt: skip
    every = 1 + (len(values) - 1) // MOST_WORDS
    shown = list(range(0, len(values), every))
    axes.set_xticks(shown, [values[number] for number in shown])
    axes.set_xlim(-0.5, len(values) - 0.5)
    axes.set_xlabel(axis.replace("_", " "))
    axes.set_ylabel(metric.replace("_", " "))
    return figure
