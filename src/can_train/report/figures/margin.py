"""The margin of each window of a file over time, with its attacks, alarms and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AsinhLocator
from numpy.typing import NDArray

from can_train.alarms.rule import ALARM, NOTICE
from can_train.errors import counted
from can_train.evaluation.pictures import WindowTrace
from can_train.evaluation.trace_records import FileTrace
from can_train.report.figures.style import (
    ATTACK,
    CONTROL,
    OWN,
    SOFT,
    THRESHOLD,
    Canvas,
    Drawing,
    drawing_name,
    log_words,
)

BUCKETS: Final = 2_000
"""Of a whole drawing, so that one can look closely; each keeps its lowest and highest margin."""

FEWEST_BUCKETS: Final = 120
ALL_BUCKETS: Final = 15_000
"""Of all files of a page together."""

_HEIGHT_IN: Final = 2.3
_BAR_POINTS: Final = 6.0
_BAR_HALF: Final = 0.32
"""Height of a bar of the strip, in points, and half of it as a share of a row."""
_LINEAR_REACH: Final = 2.0
"""Margins are drawn to scale up to so many times the usual range, and beyond by magnitude."""

Spans = Sequence[tuple[float, float]]
"""Begin and end in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginOfFile:
    """What is drawn of one file.

    Attributes:
        scorer: Whose margin.
        threshold: Its threshold.
        trace: Attacks and events.
        windows: The windows.
        buckets: Buckets of the drawing.
    """

    scorer: str
    threshold: float
    trace: FileTrace
    windows: WindowTrace
    buckets: int = BUCKETS


def buckets_for(files: int) -> int:
    """Buckets of each drawing where a page has so many."""
    return max(FEWEST_BUCKETS, min(BUCKETS, ALL_BUCKETS // max(files, 1)))


def margin_drawing(shown: MarginOfFile) -> Drawing:
    """The drawing of one file."""
    trace = shown.trace
    return Drawing(
        name=drawing_name("margin", trace.scenario, trace.file),
        title=f"Margin of {shown.scorer} over time in {trace.file}",
        description=_description(shown),
        draw=lambda canvas: _draw(canvas, shown),
        zooms=True,
    )


def extremes(
    at: NDArray[np.float64], value: NDArray[np.floating], buckets: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most two points per bucket of equally many windows: its lowest and its highest.

    Args:
        at: Time of each window [B], ascending.
        value: Its margin [B].
        buckets: How many there are at most.

    Returns:
        Times and margins by time; all of them where there are at most two per bucket.
    """
    known: NDArray[np.float64] = np.asarray(value, np.float64)
    if len(known) <= 2 * buckets:
        return at, known
    edges = np.linspace(0, len(value), buckets + 1).astype(np.int64)
    kept = {
        int(start + pick(known[start:stop]))
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        for pick in (np.argmin, np.argmax)
    }
    order = np.array(sorted({0, len(known) - 1, *kept}))
    return at[order], known[order]


def spans_of(
    where: NDArray[np.bool_], start_s: NDArray[np.float64], end_s: NDArray[np.float64]
) -> Spans:
    """Stretches of consecutive windows [B] at which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(float(start_s[a]), float(end_s[b - 1])) for a, b in edges.reshape(-1, 2).tolist()]


def _description(shown: MarginOfFile) -> str:
    trace, score = shown.trace, shown.windows.score[shown.scorer]
    found = sum(episode.delay_s is not None for episode in trace.episodes)
    alarms = [event for event in trace.events if event.severity == "alarm"]
    false = [event for event in alarms if not event.attack]
    peak = int(np.argmax(score))
    attacks = (
        f"{found} of {counted(len(trace.episodes), 'labelled attack')} found by an alarm"
        if trace.episodes
        else "No labelled attack"
    )
    outside = f", {len(false)} of them outside of an attack"
    if not trace.judged:
        outside = "; whether they are true the labels don't say"
    told = f"{counted(len(alarms), 'alarm')}{outside}" if alarms else "no alarm"
    return (
        f"{counted(trace.windows, 'window')} in {trace.duration_s:,.1f} s, threshold "
        f"{shown.threshold:.3g}. {attacks}; {told}. "
        f"Highest margin {float(score[peak]):.3g} at "
        f"{float(shown.windows.start_s[peak]):,.1f} s, lowest {float(score.min()):.3g}."
    )


def _draw(canvas: Canvas, shown: MarginOfFile) -> Figure:
    figure, (top, strip) = canvas.figure(
        _HEIGHT_IN, rows=2, sharex=True, height_ratios=[5, 1], gridspec_kw={"hspace": 0.02}
    )
    windows, attacks = shown.windows, _attacks(shown.trace)
    for begin, end in attacks:
        top.axvspan(begin, end, color=ATTACK, alpha=0.13, linewidth=0)
    at, value = extremes(windows.start_s, windows.score[shown.scorer], shown.buckets)
    top.plot(at, value, color=OWN, linewidth=0.8)
    top.axhline(shown.threshold, color=THRESHOLD, linewidth=1.2, linestyle=(0, (5, 2)))
    top.annotate(
        "threshold", (1.0, shown.threshold), xycoords=("axes fraction", "data"), xytext=(4, 0),
        textcoords="offset points", va="center", color=SOFT, fontsize="small",
    )  # fmt: skip
    _scale(top, value, shown.threshold)
    top.set_ylabel("margin")
    top.set_xlim(0.0, max(shown.trace.duration_s, float(windows.end_s[-1])))
    _strip(strip, shown, attacks)
    return figure


def _scale(axes: Axes, value: NDArray[np.float64], threshold: float) -> None:
    """To scale where most windows are, and by magnitude beyond, so that peaks hide nothing."""
    low, high = np.percentile([*value, threshold], [5, 95]).tolist()
    reach = _LINEAR_REACH * max(high - low, abs(threshold), 1e-6)
    if float(np.abs(value).max()) > 2 * reach:
        axes.set_yscale("asinh", linear_width=reach)
        axes.yaxis.set_major_locator(AsinhLocator(reach, numticks=6))
        log_words(axes.yaxis)
    axes.margins(y=0.08)


def _columns(points: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """X and y of points [2, n]."""
    return np.array(points, np.float64).reshape(-1, 2).T


def _attacks(trace: FileTrace) -> Spans:
    return [(episode.start_s, episode.end_s) for episode in trace.episodes]


def _strip(axes: Axes, shown: MarginOfFile, attacks: Spans) -> None:
    """Labels and answers, one above the other."""
    windows = shown.windows
    severity = windows.severity[shown.scorer]
    rows = (
        (1, attacks, ATTACK),
        (0, spans_of(severity == NOTICE, windows.start_s, windows.end_s), CONTROL),
        (0, spans_of(severity == ALARM, windows.start_s, windows.end_s), OWN),
    )
    for row, spans, colour in rows:
        bars = [(at, row) for begin, end in spans for at in (begin, end, np.nan)]
        # However short, a bar is seen by the stroke at its begin.
        strokes = [
            (begin, y) for begin, _ in spans for y in (row - _BAR_HALF, row + _BAR_HALF, np.nan)
        ]
        for pieces, width in ((bars, _BAR_POINTS), (strokes, 1.0)):
            axes.plot(*_columns(pieces), color=colour, linewidth=width, solid_capstyle="butt")
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([1, 0], ["attack", "alarm"])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("seconds since the first frame")
