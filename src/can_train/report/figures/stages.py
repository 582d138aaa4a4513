"""Stages of a plan beside each other: a figure of each on every scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from can_train.report.figures.style import (
    ATTACK,
    GOOD,
    OWN,
    SECOND,
    THIRD,
    THRESHOLD,
    Canvas,
    Drawing,
    drawing_name,
    legend_below,
)

_COLOURS: Final = (THIRD, GOOD, SECOND, THRESHOLD, ATTACK)
_MARKS: Final = ("s", "^", "D", "v", "P", "X")
_HEIGHT_IN: Final = 2.6
_SPREAD: Final = 0.5
_LOWEST: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFigures:
    """A stage with its figure on each scenario; None where it isn't defined."""

    title: str
    value: Mapping[str, float | None]


def stage_drawing(
    name: str, title: str, scenarios: Sequence[str], stages: Sequence[StageFigures]
) -> Drawing:
    """A column per scenario and a mark per stage; the last stage is the blue dot.

    Args:
        name: Name of the figure.
        title: What the figure is called.
        scenarios: Scenarios with their short names.
        stages: Stages in the order of the plan.
    """
    told = "; ".join(
        f"{stage.title} " + ", ".join(f"{s} {_text(stage.value.get(s))}" for s in scenarios)
        for stage in stages
    )
    return Drawing(
        name=drawing_name("stages", name),
        title=f"{title} of the stages on each scenario",
        description=f"{told}.",
        draw=lambda canvas: _draw(canvas, title, scenarios, stages),
    )


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _draw(
    canvas: Canvas, title: str, scenarios: Sequence[str], stages: Sequence[StageFigures]
) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    shift = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(stages)) if len(stages) > 1 else [0.0]
    every: list[float] = []
    for number, (stage, offset) in enumerate(zip(stages, shift, strict=True)):
        is_last = number == len(stages) - 1
        values = [stage.value.get(scenario) for scenario in scenarios]
        every += [value for value in values if value is not None]
        axes.plot(
            np.arange(len(scenarios)) + offset,
            [np.nan if value is None else value for value in values],
            color=OWN if is_last else _COLOURS[number % len(_COLOURS)],
            marker="o" if is_last else _MARKS[number % len(_MARKS)],
            markersize=6 if is_last else 5, linestyle="none", label=stage.title, clip_on=False,
        )  # fmt: skip
    lowest = min(every, default=0.0)
    low = max(0.0, min(lowest, 0.95) - 0.05) if lowest > _LOWEST else 0.0
    axes.set_ylim(low, 1.0)
    axes.set_xticks(range(len(scenarios)), [scenario[:18] for scenario in scenarios])
    axes.set_xlim(-0.6, len(scenarios) - 0.4)
    axes.set_ylabel(title)
    axes.grid(visible=False, axis="x")
    legend_below(figure, axes, 2 if canvas.is_paper else 3)
    return figure
