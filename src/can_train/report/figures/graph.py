"""The graph of one window: its IDs in a ring, who follows whom, and who moved the margin."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from can_train.errors import counted
from can_train.evaluation.trace_records import ExplainedWindow, FileTrace
from can_train.report.figures.style import (
    ATTACK,
    CONTROL,
    HALF_IN,
    INK,
    OWN,
    SOFT,
    Canvas,
    Drawing,
    drawing_name,
)

_HEIGHT_IN: Final = 3.9
_REACH: Final = 1.28
_SMALLEST_DOT: Final = 14.0
_LARGEST_DOT: Final = 190.0
MOST_LABELS: Final = 48
"""More IDs are named only where they moved the margin."""


def graph_drawing(trace: FileTrace, window: ExplainedWindow) -> Drawing:
    """The graph of the window that is explained in a file."""
    return Drawing(
        name=drawing_name("graph", trace.scenario, trace.file),
        title=f"The window at {window.start_s:,.2f} s as a graph",
        description=_description(window),
        draw=lambda canvas: _draw(canvas, window),
        width_in=HALF_IN,
    )


def _description(window: ExplainedWindow) -> str:
    blamed = ", ".join(f"{each.id} (by {each.drop:.3g})" for each in window.reasons) or "none"
    nodes, pairs = counted(len(window.nodes), "ID"), counted(len(window.edges), "pair")
    frames = counted(sum(node.frames for node in window.nodes), "frame")
    return (
        f"{nodes} and {pairs} of one following the other in {frames}; margin {window.score:.3g}. "
        f"It falls where these IDs look as usual: {blamed}."
    )


def _draw(canvas: Canvas, window: ExplainedWindow) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    order = sorted(range(len(window.nodes)), key=lambda number: window.nodes[number].id)
    angle = np.zeros(len(order))
    angle[order] = np.pi / 2 - 2 * np.pi * np.arange(len(order)) / max(len(order), 1)
    place = np.column_stack([np.cos(angle), np.sin(angle)])
    blamed = {each.id for each in window.reasons}
    most = max((edge.frames for edge in window.edges), default=1)
    others = [edge for edge in window.edges if edge.source != edge.target]
    for colour, touched in ((CONTROL, False), (ATTACK, True)):
        chosen = [
            edge
            for edge in others
            if touched
            == bool({window.nodes[edge.source].id, window.nodes[edge.target].id} & blamed)
        ]
        axes.add_collection(
            LineCollection(
                [(place[edge.source], place[edge.target]) for edge in chosen],
                colors=colour, alpha=0.55 if touched else 0.35,
                linewidths=[0.4 + 2.4 * edge.frames / most for edge in chosen],
            )
        )  # fmt: skip
    frames = np.array([node.frames for node in window.nodes], np.float64)
    size = _SMALLEST_DOT + (_LARGEST_DOT - _SMALLEST_DOT) * frames / max(frames.max(), 1)
    colours = [ATTACK if node.id in blamed else OWN for node in window.nodes]
    axes.scatter(*place.T, s=size, c=colours, zorder=3, linewidths=0)
    for number, node in enumerate(window.nodes):
        if node.id in blamed or len(window.nodes) <= MOST_LABELS:
            _label(axes, node.id, float(angle[number]), is_blamed=node.id in blamed)
    axes.set_xlim(-_REACH, _REACH)
    axes.set_ylim(-_REACH, _REACH)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def _label(axes: Axes, text: str, angle: float, *, is_blamed: bool) -> None:
    """An ID outside of the ring, readable from the middle."""
    degrees = math.degrees(angle) % 360
    left = 90 < degrees < 270
    axes.text(
        1.1 * math.cos(angle), 1.1 * math.sin(angle), text,
        rotation=degrees - 180 if left else degrees, rotation_mode="anchor",
        ha="right" if left else "left", va="center", fontsize="small",
        color=INK if is_blamed else SOFT, fontweight="bold" if is_blamed else "normal",
    )  # fmt: skip
