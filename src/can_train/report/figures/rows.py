"""Figures with a row per ID: when it speaks, how regularly, and which bits of it change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from can_train.errors import counted
from can_train.report.figures.style import (
    ATTACK,
    CONTROL,
    GOOD,
    GRID,
    OWN,
    THIRD,
    Canvas,
    Drawing,
    drawing_name,
    log_words,
)
from can_train.report.traffic import MOST_BITS, IdTraffic, RecordedTraffic

ROW_IN: Final = 0.12
"""Height of a row on the page, in inches."""

MOST_ROWS: Final = 80
"""IDs that have rows; of more, those with the most benign frames, and floods."""

PAPER_LABELS: Final = 24
"""Rows that are labelled on paper."""

_HEAD_IN: Final = 0.8
_RATE_IN: Final = 0.9
_OFTEN: Final = 0.1
_FLOOD: Final = 0.01
"""Share of a recording's frames from which on an ID's attack frames count as a flood."""

_WORTH_TELLING: Final = 0.01
_BYTE: Final = 8


def raster_drawing(traffic: RecordedTraffic) -> Drawing:
    """IDs over time, below the rate of all frames."""
    busy = int(traffic.busy.any(axis=1).sum())
    spans = ", ".join(f"{begin:,.1f} to {end:,.1f} s" for begin, end in traffic.attacks[:6])
    more = len(traffic.attacks) - 6
    attacks = f" at {spans}{f' and {more} more' if more > 0 else ''}" if spans else ""
    told = counted(len(traffic.attacks), "labelled attack") if traffic.has_labels else "no labels"
    return Drawing(
        name=drawing_name("raster", traffic.name),
        title=f"IDs over time in {traffic.name}",
        description=(
            f"{counted(traffic.frames, 'frame')} of {counted(len(traffic.ids), 'ID')} in "
            f"{traffic.duration_s:,.1f} s, {traffic.per_second:,.0f} per second; {told}{attacks}. "
            f"{counted(busy, 'ID')} at times far busier than usual."
            f"{_skipped(traffic)}{_left_out(traffic)}"
        ),
        draw=lambda canvas: _draw_raster(canvas, traffic),
    )


def period_drawing(traffic: RecordedTraffic) -> Drawing:
    """Median period of each ID with its spread."""
    known = [each for each in traffic.ids if each.period_s is not None]
    periods = sorted(each.period_s for each in known if each.period_s is not None)
    told = f" from {periods[0]:.4g} to {periods[-1]:.4g} s" if periods else ""
    return Drawing(
        name=drawing_name("periods", traffic.name),
        title=f"Periods of IDs in {traffic.name}",
        description=f"Median interval of {counted(len(known), 'ID')}{told}; bars reach from the "
        f"5th to the 95th percentile of the benign intervals.{_left_out(traffic)}",
        draw=lambda canvas: _draw_periods(canvas, most_telling(traffic).ids),
    )


def bit_drawing(traffic: RecordedTraffic) -> Drawing:
    """Which of the first 64 payload bits of each ID change."""
    changing = int((traffic.changes > 0).sum())
    return Drawing(
        name=drawing_name("bits", traffic.name),
        title=f"Payload bits that change in {traffic.name}",
        description=(
            f"Of the payload bits of {counted(len(traffic.ids), 'ID')} {changing:,} ever change "
            f"in benign frames, {int((traffic.changes >= _OFTEN).sum()):,} of them in every tenth "
            f"frame or more often; the others are constant.{_left_out(traffic)}"
        ),
        draw=lambda canvas: _draw_bits(canvas, traffic),
    )


def most_telling(traffic: RecordedTraffic) -> RecordedTraffic:
    """The same with at most 80 IDs: fuzzing alone may bring hundreds, but a flood is shown."""
    if len(traffic.ids) <= MOST_ROWS:
        return traffic
    attacks = np.array([each.attacks for each in traffic.ids])
    weight = np.array([each.frames for each in traffic.ids])
    weight -= np.where(attacks < _FLOOD * traffic.frames, attacks, 0)
    rows = np.sort(np.argsort(-weight, kind="stable")[:MOST_ROWS])
    return traffic.of(rows)


def _skipped(traffic: RecordedTraffic) -> str:
    """That the axis is shorter than the recording, if so."""
    skipped_s = traffic.duration_s - traffic.span_s
    if skipped_s < _WORTH_TELLING * traffic.duration_s:
        return ""
    return (
        f" Silences of the whole bus, {skipped_s:,.1f} s together, are left out of the picture, as "
        f"they are where windows are scored."
    )


def _left_out(traffic: RecordedTraffic) -> str:
    more = len(traffic.ids) - MOST_ROWS
    if more <= 0:
        return ""
    return f" {counted(more, 'ID')} with the fewest benign frames, floods aside, aren't drawn."


def stretches(where: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pieces of lines through the cells of a table [K, T] at which something holds.

    Returns:
        x from 0 to T and y, the row: begin and end of each run of cells, with NaN behind it.
    """
    padded = np.pad(where, ((0, 0), (1, 1))).astype(np.int8)
    row, edge = np.nonzero(np.diff(padded, axis=1))
    begins, ends, rows = edge[::2], edge[1::2], row[::2]
    gap = np.full(len(rows), np.nan)
    x = np.column_stack([begins, ends, gap]).ravel()
    y = np.column_stack([rows, rows, gap]).ravel()
    return x.astype(np.float64), y.astype(np.float64)


def _height_in(rows: int) -> float:
    return ROW_IN * rows


def _rows(axes: Axes, ids: Sequence[IdTraffic], canvas: Canvas, height_in: float) -> float:
    """Labels a row per ID, the first on top; gives the width of a line that fills a row."""
    every = 1 + (len(ids) - 1) // (PAPER_LABELS if canvas.is_paper else MOST_ROWS)
    at = list(range(0, len(ids), every))
    axes.set_yticks(at, [ids[number].id for number in at])
    axes.tick_params(axis="y", length=0, labelsize="x-small")
    axes.set_ylim(len(ids) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return max(0.5, 0.7 * 72 * height_in / max(len(ids), 1))


def _draw_raster(canvas: Canvas, whole: RecordedTraffic) -> Figure:
    traffic = most_telling(whole)
    rows_in = _height_in(len(traffic.ids))
    figure, (top, axes) = canvas.figure(
        _HEAD_IN + _RATE_IN + rows_in,
        rows=2, sharex=True, height_ratios=[_RATE_IN, max(rows_in, 0.3)],
    )  # fmt: skip
    for each in (top, axes):
        for begin, end in traffic.attacks:
            each.axvspan(begin, max(end, begin + traffic.span_s / 600), color=ATTACK, alpha=0.15,
                         linewidth=0)  # fmt: skip
    step_s = traffic.span_s / traffic.counts.shape[1]
    edges = np.arange(traffic.counts.shape[1] + 1) * step_s
    top.stairs(whole.rate, edges, color=OWN, linewidth=1.1, baseline=None)
    top.set_ylim(0, 1.1 * float(whole.rate.max()))
    top.set_ylabel("frames/s")
    width = _rows(axes, traffic.ids, canvas, rows_in)
    for colour, where in (
        (THIRD, traffic.present & ~traffic.busy),
        (ATTACK, traffic.busy),
    ):
        x, y = stretches(where)
        axes.plot(x * step_s, y, color=colour, linewidth=width, solid_capstyle="butt")
    axes.set_xlim(0, traffic.span_s)
    axes.set_xlabel("seconds since the first frame")
    return figure


def _draw_periods(canvas: Canvas, drawn: Sequence[IdTraffic]) -> Figure:
    ids = [each for each in drawn if each.period_s is not None]
    rows_in = _height_in(len(ids))
    figure, axes = canvas.figure(_HEAD_IN + rows_in)
    width = _rows(axes, ids, canvas, rows_in)
    numbers = np.arange(len(ids))
    low = np.array([each.low_s or 1e-6 for each in ids])
    high = np.array([each.high_s or 1e-6 for each in ids])
    middle = np.array([each.period_s or 1e-6 for each in ids])
    axes.hlines(numbers, low, high, color=CONTROL, linewidth=0.5 * width)
    axes.plot(middle, numbers, color=OWN, marker="o", markersize=3.4, linestyle="none")
    axes.set_xscale("log")
    log_words(axes.xaxis)
    axes.set_xlabel("seconds between two frames of an ID")
    return figure


def _draw_bits(canvas: Canvas, whole: RecordedTraffic) -> Figure:
    traffic = most_telling(whole)
    rows_in = _height_in(len(traffic.ids))
    figure, axes = canvas.figure(_HEAD_IN + rows_in)
    width = _rows(axes, traffic.ids, canvas, rows_in)
    bits = np.array([min(each.bits, MOST_BITS) for each in traffic.ids])
    sent = np.arange(MOST_BITS) < bits[:, None]
    changes = traffic.changes
    for colour, label, where in (
        (GRID, "never changes", sent & (changes == 0)),
        (GOOD, "changes at times", (changes > 0) & (changes < _OFTEN)),
        (OWN, "changes in every tenth frame or more", changes >= _OFTEN),
    ):
        x, y = stretches(where)
        axes.plot(x, y, color=colour, linewidth=width, solid_capstyle="butt", label=label)
    axes.set_xticks(range(0, MOST_BITS + 1, _BYTE))
    axes.set_xlim(0, MOST_BITS)
    axes.set_xlabel("bit of the payload, byte by byte, the highest bit of a byte first")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure
