"""Whether p-values of benign windows are what they say: a share p of them should be at most p."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure

from can_train.evaluation.pictures import Reliability
from can_train.report.figures.style import (
    HALF_IN,
    OWN,
    SOFT,
    Canvas,
    Drawing,
    drawing_name,
    legend_below,
    log_words,
    looks_of_others,
)

_HEIGHT_IN: Final = 3.1
TOLD_P: Final = 0.01
"""The p-value that is told in words."""


def reliability_drawing(scenario: str, lines: Sequence[Reliability]) -> Drawing:
    """All models on one scenario; the run's own comes last."""
    return Drawing(
        name=drawing_name("reliability", scenario),
        title=f"Reliability of p-values on {scenario}",
        description="Share of benign windows with a p-value of at most 0.01, which should be 0.01: "
        + "; ".join(f"{line.scorer} {share_at(line, TOLD_P):.4f}" for line in lines)
        + f". Of {lines[-1].windows:,} benign windows.",
        draw=lambda canvas: _draw(canvas, lines),
        width_in=HALF_IN,
    )


def share_at(line: Reliability, limit: float) -> float:
    """Share of benign windows whose p-value is at most this one."""
    return next(share for p, share in zip(line.p, line.share, strict=True) if p >= limit)


def _draw(canvas: Canvas, lines: Sequence[Reliability]) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    low = lines[-1].p[0]
    axes.plot([low, 1], [low, 1], color=SOFT, linewidth=1, linestyle=(0, (2, 2)), label="ideal")
    looks: list[dict[str, object]] = [*looks_of_others(len(lines) - 1), {"color": OWN}]
    for line, look in zip(lines, looks, strict=True):
        drawn = [(p, share) for p, share in zip(line.p, line.share, strict=True) if share > 0]
        width = 2.0 if line is lines[-1] else 1.2
        axes.plot(*zip(*drawn, strict=True), **look, linewidth=width, label=line.scorer)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, 1.1)
    axes.set_ylim(low, 1.3)
    for axis in (axes.xaxis, axes.yaxis):
        log_words(axis)
    axes.set_xlabel("p-value of at most")
    axes.set_ylabel("share of benign windows")
    legend_below(figure, axes, 2)
    return figure
