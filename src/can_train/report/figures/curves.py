"""ROC and precision-recall of all scorers on a scenario, with the stored threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from can_train.evaluation.curves import DetectionCurve
from can_train.report.figures.style import (
    CONTROL,
    HALF_IN,
    OWN,
    Canvas,
    Drawing,
    drawing_name,
    legend_below,
    log_words,
    looks_of_others,
)

SMALLEST_RATE: Final = 1e-4
"""Where the axis of false-alarm rates begins; no false alarm is drawn there."""

_HEIGHT_IN: Final = 3.1
_DASHES: Final = ((0, (3, 1.5)), (0, (1, 1)))
"""Of controls, the best by F1 first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerCurve:
    """One line.

    Attributes:
        curve: Its points.
        is_control: Whether it is a control.
        label: Name in the legend.
        area: ROC-AUC and PR-AUC, from the evaluation.
        at: False-alarm rate, recall and precision at the stored threshold, from the evaluation.
    """

    curve: DetectionCurve
    is_control: bool
    label: str
    area: tuple[float | None, float | None]
    at: tuple[float | None, float | None, float | None]


def roc_drawing(scenario: str, lines: Sequence[ScorerCurve]) -> Drawing:
    """Recall against the false-alarm rate."""
    return Drawing(
        name=drawing_name("roc", scenario),
        title=f"ROC on {scenario}",
        description=_description(lines, 0, "ROC-AUC", ("false-alarm rate", "recall"), (0, 1)),
        draw=lambda canvas: _draw_roc(canvas, lines),
        width_in=HALF_IN,
    )


def pr_drawing(scenario: str, lines: Sequence[ScorerCurve]) -> Drawing:
    """Precision against recall."""
    return Drawing(
        name=drawing_name("pr", scenario),
        title=f"Precision and recall on {scenario}",
        description=_description(lines, 1, "average precision", ("recall", "precision"), (1, 2)),
        draw=lambda canvas: _draw_pr(canvas, lines),
        width_in=HALF_IN,
    )


def _description(
    lines: Sequence[ScorerCurve],
    area: int,
    name: str,
    axes: tuple[str, str],
    point: tuple[int, int],
) -> str:
    texts = []
    for line in lines:
        x, y, found = line.at[point[0]], line.at[point[1]], line.area[area]
        value = "n/a" if found is None else f"{found:.4f}"
        where = ""
        if x is not None and y is not None:
            where = f", at the stored threshold {axes[0]} {x:.4g} and {axes[1]} {y:.4g}"
        texts.append(f"{line.label}: {name} {value}{where}")
    return "; ".join(texts) + "."


def _draw_roc(canvas: Canvas, lines: Sequence[ScorerCurve]) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    for line, look in _looks(lines):
        rate = np.concatenate([[SMALLEST_RATE], np.maximum(line.curve.fpr, SMALLEST_RATE)])
        axes.plot(rate, [0.0, *line.curve.recall], drawstyle="steps-post", **look)
        fpr, recall, _ = line.at
        if fpr is not None and recall is not None:
            axes.plot(max(fpr, SMALLEST_RATE), recall, **_point(look))
    axes.set_xscale("log")
    axes.set_xlim(SMALLEST_RATE * 0.9, 1.05)
    axes.set_ylim(-0.02, 1.03)
    log_words(axes.xaxis)
    axes.set_xlabel("false-alarm rate of benign windows")
    axes.set_ylabel("recall of attack windows")
    legend_below(figure, axes, 2)
    return figure


def _draw_pr(canvas: Canvas, lines: Sequence[ScorerCurve]) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    for line, look in _looks(lines):
        # Once all is found, lower thresholds only add false alarms: a line straight down.
        end = int(np.searchsorted(line.curve.recall, 1.0)) + 1
        axes.plot(line.curve.recall[:end], line.curve.precision[:end], **look)
        _, recall, precision = line.at
        if recall is not None and precision is not None:
            axes.plot(recall, precision, **_point(look))
    axes.set_xlim(-0.02, 1.03)
    axes.set_ylim(-0.02, 1.03)
    axes.set_xlabel("recall of attack windows")
    axes.set_ylabel("precision")
    legend_below(figure, axes, 2)
    return figure


def _looks(lines: Sequence[ScorerCurve]) -> list[tuple[ScorerCurve, dict[str, object]]]:
    """The run's own scorer, which comes last among the models, is the thick one."""
    models = [line for line in lines if not line.is_control]
    controls = [line for line in lines if line.is_control]
    beside = iter(looks_of_others(len(models) - 1))
    dashes = dict(zip((id(line) for line in controls), _DASHES * len(controls), strict=False))
    looks: list[tuple[ScorerCurve, dict[str, object]]] = []
    for line in (*controls, *models):
        look: dict[str, object] = {"label": line.label, "linewidth": 1.2}
        if line.is_control:
            look |= {"color": CONTROL, "linestyle": dashes[id(line)]}
        elif line is models[-1]:
            look |= {"color": OWN, "linewidth": 2.0}
        else:
            look |= next(beside)
        looks.append((line, look))
    return looks


def _point(look: dict[str, object]) -> dict[str, object]:
    return {
        "color": look["color"], "marker": "o", "markersize": 5.5, "markerfacecolor": "none",
        "markeredgewidth": 1.4, "clip_on": False, "zorder": 5,
    }  # fmt: skip
