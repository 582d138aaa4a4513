"""What training gave by epoch: losses, and the figure that chose the epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from can_train.report.figures.style import (
    ATTACK,
    GOOD,
    HALF_IN,
    OWN,
    SECOND,
    SOFT,
    THIRD,
    THRESHOLD,
    Canvas,
    Drawing,
    drawing_name,
    legend_below,
    log_words,
)
from can_train.runs.events import EpochEnded

_HEIGHT_IN: Final = 2.7
_VALIDATION: Final = "val_"
_LATE: Final = 0.85
_SUMS: Final = ("total", "task", "kd")
_COLOURS: Final = (OWN, THIRD, THRESHOLD, SECOND, GOOD, ATTACK)
_ROLES: Final = {"total": OWN, "task": ATTACK, "kd": SECOND, "val_loss": GOOD}
"""The colour of what several pictures show is the same in all."""


def figures_by_kind(epochs: Sequence[EpochEnded]) -> dict[str, tuple[str, ...]]:
    """Names of what epochs told, those of one unit together.

    The loss with what it is the sum of, the parts of these, and the rest one by one.
    """
    names = dict.fromkeys(name for epoch in epochs for name in epoch.figures)
    told = tuple(n for n in names if n in _SUMS or n.endswith("loss"))
    loss = tuple(n for n in told if n != "task" or not _is_total(epochs))
    parts = tuple(n for n in names if n not in told and not n.startswith(_VALIDATION))
    rest = {n: (n,) for n in names if n not in told and n not in parts}
    found = {"loss": loss, "parts of the loss": parts, **rest}
    return {kind: shown for kind, shown in found.items() if shown}


def _is_total(epochs: Sequence[EpochEnded]) -> bool:
    """Whether the task is all of the loss, as without a teacher."""
    return all(e.figures.get("task") == e.figures.get("total") for e in epochs)


def training_drawing(
    kind: str, names: Sequence[str], epochs: Sequence[EpochEnded], of: str = ""
) -> Drawing:
    """Figures of one kind over epochs.

    Args:
        kind: What they are called together.
        names: Names of the figures.
        epochs: What was told of each epoch.
        of: Whose they are, where a page shows several.
    """
    best = max((e.epoch for e in epochs if e.best), default=epochs[-1].epoch)
    return Drawing(
        name=drawing_name("training", of, kind) if of else drawing_name("training", kind),
        title=f"{of or 'Training'}: {kind.replace('_', ' ')} by epoch",
        description="; ".join(_told(name, epochs, best) for name in names)
        + f". Epoch {best + 1} of {len(epochs)} was kept.",
        draw=lambda canvas: _draw(canvas, kind, names, epochs, best),
        width_in=HALF_IN,
    )


def _told(name: str, epochs: Sequence[EpochEnded], best: int) -> str:
    values = [e.figures[name] for e in epochs if name in e.figures]
    kept = next((e.figures.get(name) for e in epochs if e.epoch == best), None)
    at = "n/a" if kept is None else f"{kept:.4g}"
    return f"{name} from {values[0]:.4g} to {values[-1]:.4g}, {at} in the epoch that was kept"


def _draw(
    canvas: Canvas, kind: str, names: Sequence[str], epochs: Sequence[EpochEnded], best: int
) -> Figure:
    figure, axes = canvas.figure(_HEIGHT_IN)
    for number, name in enumerate(names):
        told = [(e.epoch + 1, e.figures[name]) for e in epochs if name in e.figures]
        axes.plot(
            *zip(*told, strict=True),
            color=_ROLES.get(name, _COLOURS[number % len(_COLOURS)]),
            linestyle="-" if number < len(_COLOURS) else "--",
            marker="o",
            markersize=2.6,
            label=name.replace("_", " "),
        )
    values = [e.figures[n] for e in epochs for n in names if n in e.figures]
    if values and min(values) > 0 and max(values) / min(values) > 50:
        axes.set_yscale("log")
        log_words(axes.yaxis)
    axes.axvline(best + 1, color=SOFT, linewidth=1, linestyle=(0, (2, 2)))
    is_late = best + 1 > _LATE * len(epochs)
    axes.annotate(
        "kept", (best + 1, 1.0), xycoords=("data", "axes fraction"),
        xytext=(-3 if is_late else 3, -2), textcoords="offset points", va="top",
        ha="right" if is_late else "left", color=SOFT, fontsize="small",
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlim(0.5, max(len(epochs), math.ceil(best + 1)) + 0.5)
    axes.set_xlabel("epoch")
    axes.set_ylabel(kind.replace("_", " "))
    if len(names) > 1:
        legend_below(figure, axes, 4)
    return figure
