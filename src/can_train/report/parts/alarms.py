"""What alarms give: a slider over thresholds, reliability, attacks with delay, explained events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from can_train.errors import counted
from can_train.evaluation.curves import ThresholdStep, ThresholdSweep
from can_train.evaluation.pictures import EvaluationPictures
from can_train.evaluation.report import NOT_AVAILABLE
from can_train.evaluation.trace_records import ExplainedWindow, FileTrace, TracedReason
from can_train.report.document import (
    Block,
    Cell,
    Folded,
    Heading,
    Note,
    PageSection,
    PageTable,
    Picture,
    SideBySide,
    Slider,
    Stop,
    TableLine,
    words,
)
from can_train.report.figures.graph import graph_drawing
from can_train.report.figures.reliability import reliability_drawing
from can_train.report.figures.tradeoff import places_of, tradeoff_drawing

_TERMS = (
    "threshold", "recall of windows", "attacks found", "false alarms/h", "upper 95 %", "FPR",
)  # fmt: skip
_NOTICED = "a window above the threshold during it, or within 2 s after it"
_MOST_FRAMES = 8
_MOST_IDS = 4
_MOST_EVENTS = 30


def slider_section(pictures: EvaluationPictures) -> PageSection:
    """A slider per scenario."""
    return PageSection(
        name="threshold",
        title="If the threshold were another",
        lead="Each dot is a threshold: higher ones lie further left and lower. The stored one was "
        "set before any test file was seen; moving it here shows what it costs, and is no way to "
        "choose one.",
        blocks=tuple(_slider(number, sweep) for number, sweep in enumerate(pictures.record.sweeps)),
    )


def _slider(number: int, sweep: ThresholdSweep) -> Slider:
    stops = zip(sweep.steps, places_of(sweep), strict=True)
    return Slider(
        name=f"slider{number}",
        label=f"threshold on {sweep.scenario}",
        picture=Picture(drawing=tradeoff_drawing(sweep)),
        terms=_TERMS,
        stops=tuple(Stop(words=_step(step, sweep), x=x, y=y) for step, (x, y) in stops),
        at=sweep.stored,
    )


def _step(step: ThresholdStep, sweep: ThresholdSweep) -> tuple[str, ...]:
    return (
        f"{step.threshold:#.4g}",
        f"{step.recall:.4f}",
        f"{step.found} of {sweep.episodes}",
        _number(step.alarms_per_hour, ",.1f"),
        _number(step.alarms_per_hour_upper, ",.1f"),
        f"{step.fpr:.2e}" if 0 < step.fpr < 1e-3 else f"{step.fpr:.4f}",
    )


def reliability_section(pictures: EvaluationPictures) -> PageSection:
    """A picture per scenario with benign windows."""
    scenarios = dict.fromkeys(line.scenario for line in pictures.record.reliability)
    # Models have the same order, and so the same colours, as in the other pictures.
    order = [name for trace in pictures.windows.values() for name in trace.score]
    drawn = []
    for scenario in scenarios:
        lines = [line for line in pictures.record.reliability if line.scenario == scenario]
        lines.sort(key=lambda line: order.index(line.scorer) if line.scorer in order else -1)
        drawn.append(Picture(drawing=reliability_drawing(scenario, lines)))
    return PageSection(
        name="p-values",
        title="Whether p-values hold",
        lead="A p-value says how rare a margin is among benign calibration windows. On benign test "
        "windows a share p of them should be at most p. Above the dashed line p-values promise too "
        "much: this traffic is odder than that of the calibration.",
        blocks=(SideBySide(pictures=tuple(drawn)),),
    )


def episode_section(pictures: EvaluationPictures) -> PageSection:
    """Labelled attacks, events, and the worst event of each file."""
    files = pictures.record.files
    blocks: list[Block] = []
    rows = [_episode(trace, number) for trace in files for number in range(len(trace.episodes))]
    if rows:
        blocks.append(
            PageTable(
                name="episodes",
                caption="Labelled attacks: attack frames at most 2 s apart are one",
                headings=(
                    Heading(title="file", number=False), Heading(title="scenario", number=False),
                    Heading(title="begins at s"), Heading(title="lasts s"),
                    Heading(title="a window above", number=False, hint=_NOTICED),
                    Heading(title="delay s"),
                ),
                lines=tuple(rows),
            )
        )  # fmt: skip
    for trace in files:
        blocks += _of_file(trace)
    return PageSection(
        name="episodes",
        title="Attacks and events",
        lead="Delay counts from the first attack frame to the end of the window at which the alarm "
        "sounds. For the event with the highest margin of each file: the IDs that moved it, found "
        "by giving each in turn the features of usual traffic.",
        blocks=tuple(blocks) or (Note(text="No file has an attack or an event."),),
    )


def _episode(trace: FileTrace, number: int) -> TableLine:
    found = trace.episodes[number]
    lasts = found.end_s - found.start_s
    cells = (
        *words(trace.file, trace.scenario),
        Cell(text=f"{found.start_s:,.2f}", value=found.start_s),
        Cell(text=f"{lasts:,.2f}", value=lasts),
        Cell(text="yes" if found.noticed else "no"),
        Cell(text="not found" if found.delay_s is None else f"{found.delay_s:.3f}",
             value=found.delay_s),
    )  # fmt: skip
    return TableLine(cells=cells, tone="care" if found.delay_s is None else "plain")


def _of_file(trace: FileTrace) -> Iterator[Block]:
    """The worst event, and a list of all."""
    if not trace.events:
        return
    blocks: list[Block] = []
    if trace.explained is not None:
        graph = Picture(drawing=graph_drawing(trace, trace.explained))
        blocks += [_why(trace.explained), SideBySide(pictures=(graph,))]
    blocks.append(_events(trace))
    alarms = sum(event.severity == "alarm" for event in trace.events)
    total = len(trace.events) + trace.left_out
    yield Folded(
        summary=f"{trace.scenario} / {trace.file}: {counted(total, 'event')}, "
        f"{counted(alarms, 'alarm')}",
        blocks=tuple(blocks),
    )


def _why(window: ExplainedWindow) -> PageTable:
    kind = "holds attack frames" if window.attack else "holds no attack frame"
    return PageTable(
        caption=f"What moved the highest margin, {window.score:.4g} at {window.start_s:,.2f} s; "
        f"the window {kind}",
        headings=(
            Heading(title="ID", number=False), Heading(title="margin falls by"),
            Heading(title="mostly by", number=False),
            Heading(title="its frames, counted from 0", number=False),
        ),
        lines=tuple(_reason(reason) for reason in window.reasons),
    )  # fmt: skip


def _reason(reason: TracedReason) -> TableLine:
    shown = ", ".join(f"{frame:,}" for frame in reason.frames[:_MOST_FRAMES])
    more = len(reason.frames) - _MOST_FRAMES
    cells = (
        Cell(text=reason.id),
        Cell(text=f"{reason.drop:.4g}", value=reason.drop),
        Cell(text=reason.feature.replace("_", " ")),
        Cell(text=f"{shown} and {more} more" if more > 0 else shown),
    )
    return TableLine(cells=cells)


def _events(trace: FileTrace) -> PageTable:
    shown = sorted(trace.events, key=lambda e: (e.severity != "alarm", -e.peak_score))[
        :_MOST_EVENTS
    ]
    left = len(trace.events) + trace.left_out - len(shown)
    lines = []
    for event in sorted(shown, key=lambda e: e.start_s):
        cells = (
            Cell(text=event.severity),
            Cell(text=f"{event.start_s:,.2f}", value=event.start_s),
            Cell(text=f"{event.end_s - event.start_s:,.2f}", value=event.end_s - event.start_s),
            Cell(text=f"{event.windows:,}", value=event.windows),
            Cell(text=f"{event.peak_score:.4g}", value=event.peak_score),
            Cell(text=event.kind),
            Cell(text=_ids(event.ids)),
            Cell(text=("yes" if event.attack else "no") if trace.judged else NOT_AVAILABLE),
        )
        false = trace.judged and not event.attack and event.severity == "alarm"
        lines.append(TableLine(cells=cells, tone="care" if false else "plain"))
    return PageTable(
        name=f"events of {trace.scenario}/{trace.file}",
        caption="Events" + (f"; {left:,} smaller ones left out" if left else ""),
        headings=(
            Heading(title="level", number=False), Heading(title="begins at s"),
            Heading(title="lasts s"), Heading(title="windows"), Heading(title="highest margin"),
            Heading(title="suspected", number=False), Heading(title="IDs", number=False),
            Heading(title="labelled attack", number=False),
        ),
        lines=tuple(lines),
    )  # fmt: skip


def _ids(ids: Sequence[str]) -> str:
    """The first few of those that are suspected."""
    return ", ".join(ids[:_MOST_IDS]) + (" …" if len(ids) > _MOST_IDS else "") if ids else "none"


def _number(value: float | None, form: str) -> str:
    return NOT_AVAILABLE if value is None else format(value, form)
