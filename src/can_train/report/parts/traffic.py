"""What recordings look like: when IDs speak, how regularly, and which bits of them change."""

from __future__ import annotations

from typing import Final

from can_train.errors import counted
from can_train.report.document import (
    Block,
    Cell,
    Facts,
    Folded,
    Heading,
    PageTable,
    Picture,
    TableLine,
)
from can_train.report.figures.rows import bit_drawing, period_drawing, raster_drawing
from can_train.report.traffic import IdTraffic, RecordedTraffic

_MS: Final = 1000.0
_MOST_SPANS: Final = 60


def traffic_blocks(traffic: RecordedTraffic, *, whole: bool) -> tuple[Block, ...]:
    """The blocks of one recording.

    Args:
        traffic: The recording.
        whole: Whether periods, bits and the list of IDs are shown, too, and not the raster alone.
    """
    drawing = raster_drawing(traffic)
    raster = Picture(
        drawing=drawing,
        caption="Each row is an ID; orange where it sends far more frames than usual, a gap where "
        "it is silent for more than three of its periods. Shaded: labelled "
        f"attacks. {drawing.description}",
    )
    blocks: list[Block] = [_facts(traffic), raster]
    if traffic.attacks:
        blocks.append(Folded(summary=_attacks_in_words(traffic), blocks=(_spans(traffic),)))
    if whole:
        periods, bits = period_drawing(traffic), bit_drawing(traffic)
        blocks += [
            Picture(drawing=periods, caption=periods.description),
            Picture(drawing=bits, caption=bits.description),
            Folded(summary=f"All {counted(len(traffic.ids), 'ID')}", blocks=(_ids(traffic),)),
        ]
    return tuple(blocks)


def _facts(traffic: RecordedTraffic) -> Facts:
    pairs = [
        ("frames", f"{traffic.frames:,}"),
        ("IDs", f"{len(traffic.ids):,}"),
        ("recorded", f"{traffic.duration_s:,.1f} s"),
        ("rate", f"{traffic.per_second:,.0f} per second"),
        ("labelled as attacks", _labelled(traffic)),
    ]
    return Facts(pairs=tuple(pairs))


def _labelled(traffic: RecordedTraffic) -> str:
    if not traffic.has_labels:
        return "no labels"
    return f"{counted(traffic.labelled, 'frame')} ({traffic.labelled / traffic.frames:.2%})"


def _attacks_in_words(traffic: RecordedTraffic) -> str:
    lasting = sum(end - begin for begin, end in traffic.attacks)
    return f"{counted(len(traffic.attacks), 'labelled attack')}, {lasting:,.1f} s together"


def _spans(traffic: RecordedTraffic) -> PageTable:
    lines = tuple(
        TableLine(
            cells=(
                Cell(text=str(number)),
                Cell(text=f"{begin:,.2f}", value=begin),
                Cell(text=f"{end:,.2f}", value=end),
                Cell(text=f"{end - begin:,.2f}", value=end - begin),
            )
        )
        for number, (begin, end) in enumerate(traffic.attacks[:_MOST_SPANS], start=1)
    )
    more = len(traffic.attacks) - len(lines)
    return PageTable(
        name=f"attacks of {traffic.name}",
        caption="Seconds since the first frame" + (f"; {more} more left out" if more else ""),
        headings=(
            Heading(title="attack"),
            Heading(title="begins"),
            Heading(title="ends"),
            Heading(title="lasts"),
        ),
        lines=lines,
    )


def _ids(traffic: RecordedTraffic) -> PageTable:
    return PageTable(
        name=f"ids of {traffic.name}",
        caption="Periods of benign frames in milliseconds: median, and 5th to 95th percentile",
        headings=(
            Heading(title="ID", number=False), Heading(title="frames"),
            Heading(title="labelled"), Heading(title="period ms"), Heading(title="spread ms"),
            Heading(title="bytes"), Heading(title="bits that change"),
        ),
        lines=tuple(_id_line(each) for each in traffic.ids),
    )  # fmt: skip


def _id_line(each: IdTraffic) -> TableLine:
    period = "n/a" if each.period_s is None else f"{_MS * each.period_s:,.2f}"
    spread = "n/a"
    width = None
    if each.low_s is not None and each.high_s is not None:
        spread = f"{_MS * each.low_s:,.2f} – {_MS * each.high_s:,.2f}"
        width = each.high_s - each.low_s
    cells = (
        Cell(text=each.id),
        Cell(text=f"{each.frames:,}", value=each.frames),
        Cell(text=f"{each.attacks:,}" if each.attacks else "0", value=each.attacks),
        Cell(text=period, value=each.period_s),
        Cell(text=spread, value=width),
        Cell(text=", ".join(map(str, each.dlcs))),
        Cell(text=f"{each.changing} of {each.bits}", value=each.changing),
    )
    return TableLine(cells=cells, tone="care" if each.attacks else "plain")
