"""Recall against false alarms per hour as the threshold moves, with the stored one."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from can_train.errors import counted
from can_train.evaluation.curves import ThresholdSweep
from can_train.report.figures.style import (
    ATTACK,
    OWN,
    PAGE_POINTS,
    WIDE_IN,
    Canvas,
    Drawing,
    drawing_name,
    settle,
    styled,
)

_HEIGHT_IN: Final = 2.4
_MIDDLE: Final = 0.5

_LINEAR_ALARMS: Final = 1.0
"""Rates per hour are drawn to scale up to this one, so that none at all has its place."""


def tradeoff_drawing(sweep: ThresholdSweep) -> Drawing:
    """The drawing of one scenario."""
    step = sweep.steps[sweep.stored]
    rate = "n/a" if step.alarms_per_hour is None else f"{step.alarms_per_hour:.1f}"
    return Drawing(
        name=drawing_name("tradeoff", sweep.scenario),
        title=f"Recall against false alarms per hour on {sweep.scenario}",
        description=(
            f"{sweep.scorer} at {len(sweep.steps)} thresholds. At the stored one, "
            f"{step.threshold:.3g}: recall of attack windows {step.recall:.4f}, {step.found} of "
            f"{counted(sweep.episodes, 'attack')} found, {rate} false alarms per hour."
        ),
        draw=lambda canvas: _draw(canvas, sweep),
    )


def places_of(sweep: ThresholdSweep) -> list[tuple[float, float]]:
    """Where each step stands in the picture on the page, as shares of its width and height."""
    with styled(PAGE_POINTS):
        figure = _draw(Canvas(width_in=WIDE_IN), sweep)
        settle(figure)
        axes: Axes = figure.axes[0]
        points = axes.transData.transform(np.column_stack(_points(sweep)))
        shares = figure.transFigure.inverted().transform(points)
    return [(round(float(x), 5), round(1.0 - float(y), 5)) for x, y in shares]


def _points(sweep: ThresholdSweep) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rates = np.array([step.alarms_per_hour or 0.0 for step in sweep.steps])
    return rates, np.array([step.recall for step in sweep.steps])


def _draw(canvas: Canvas, sweep: ThresholdSweep) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    rates, recall = _points(sweep)
    axes.plot(rates, recall, color=OWN, linewidth=1.2, marker="o", markersize=2.6)
    axes.plot(
        rates[sweep.stored], recall[sweep.stored], color=ATTACK, marker="D", markersize=6,
        linestyle="none", clip_on=False, zorder=4,
    )  # fmt: skip
    axes.annotate(
        "stored threshold", (rates[sweep.stored], recall[sweep.stored]),
        xytext=(10, -12 if recall[sweep.stored] > _MIDDLE else 8),
        textcoords="offset points", fontsize="small",
    )  # fmt: skip
    axes.set_xscale("symlog", linthresh=_LINEAR_ALARMS, linscale=0.4)
    ticks = [0.0, *(10.0**power for power in range(0, 5) if 10.0**power <= 2 * rates.max() + 1)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(-0.08, max(2.0, 1.4 * float(rates.max())))
    axes.set_ylim(-0.03, 1.05)
    axes.set_xlabel("false alarms per hour of benign time")
    axes.set_ylabel("recall of attack windows")
    return figure
