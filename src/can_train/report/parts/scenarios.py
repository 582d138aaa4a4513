"""The scenario table: every scorer, with intervals and controls, whole and by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Final

from can_train.errors import counted
from can_train.evaluation.bootstrap import ConfidenceInterval
from can_train.evaluation.compact import is_blank, scenarios_of
from can_train.evaluation.judgement import controls_to_beat
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationRow, shown_name
from can_train.evaluation.row_columns import ALARM_COLUMNS, WINDOW_COLUMNS, RowColumn
from can_train.report.document import (
    Block,
    Cell,
    Folded,
    Heading,
    Notes,
    PageSection,
    PageTable,
    TableLine,
    Tone,
)
from can_train.report.records import RunRecords
from can_train.report.verdict import doubts

_HINTS: Final = {
    "FPR": "share of the benign windows that alarm",
    "FA/h (95 %)": "those per hour of benign time, with the upper 95 % bound",
    "alarm": "labelled attacks that are found by an alarm",
    "delay s (p95)": "from the first attack frame to the alarm: median, and 95th percentile",
    "alarms/h (95 %)": "false events per hour of benign time, with the upper 95 % bound",
    "threshold": "the margin above which a window alarms, set before any test file was seen",
}
_TITLES: Final = {"alarm": "attacks found", "delay s (p95)": "delay in s (p95)"}

_FIGURES: Final = {
    "windows": "windows", "attacks": "attacks", "precision": "precision", "recall": "recall",
    "F1": "f1", "MCC": "mcc", "ROC-AUC": "roc_auc", "PR-AUC": "pr_auc", "FPR": "fpr",
    "FA/h (95 %)": "false_alarms_per_hour", "alarm": "found_by_alarm",
    "delay s (p95)": "delay_median_s", "alarms/h (95 %)": "alarms_per_hour",
    "threshold": "threshold",
}  # fmt: skip
"""Figure of an evaluation behind each column that is shown."""

_THRESHOLD: Final = RowColumn(
    title="threshold",
    text=lambda row: NOT_AVAILABLE if row.threshold is None else f"{row.threshold.value:.4g}",
)
_KNOWN: Final = (*WINDOW_COLUMNS, *ALARM_COLUMNS, _THRESHOLD)
COLUMNS: Final = tuple(c for c in _KNOWN if c.title in _FIGURES)

_BRIEF_TITLES: Final = (
    "ROC-AUC", "F1", "recall", "FPR", "alarm", "delay s (p95)", "alarms/h (95 %)", "threshold",
)  # fmt: skip
_IN_BRIEF: Final = tuple(c for title in _BRIEF_TITLES for c in COLUMNS if c.title == title)


def scenario_section(records: RunRecords) -> PageSection:
    """Models and the best controls of each scenario; all scorers and single files are folded."""
    assert records.evaluation is not None  # its caller looked
    judged = dict(scenarios_of(records.evaluation))
    lines: list[TableLine] = []
    folded: list[Block] = []
    for scenario, rows in records.scenarios.items():
        files = [list(found) for _, found in groupby(rows, key=lambda row: row.file)]
        whole, single = files[0], files[1:]
        lines.append(
            TableLine(cells=(Cell(text=scenario, note=_sizes(whole, len(single))),), tone="head")
        )
        if is_blank(judged[scenario]):
            lines.append(_blank())
            continue
        controls = {control.name for control in controls_to_beat(judged[scenario])}
        intervals = single[0] if len(single) == 1 else whole
        shown = [row for row in whole if row.kind != "control"]
        shown += [row for row in whole if row.scorer in controls]
        lines += [
            _line(row, records.scorer, _IN_BRIEF, _intervals(intervals, row)) for row in shown
        ]
        folded.append(_in_full(scenario, whole, single, records.scorer))
    table = PageTable(
        name="scenarios",
        caption="Models, and the best controls by F1 and by ROC-AUC, at their stored thresholds; "
        "small: 95 % intervals from blocks of windows, where a scenario is one file",
        headings=_headings(_IN_BRIEF),
        lines=tuple(lines),
    )
    found = doubts(records)
    doubted: list[Block] = [Notes(texts=tuple(f"{d[:1].upper()}{d[1:]}." for d in found))]
    return PageSection(
        name="scenarios",
        title="How well it detects",
        lead="A window is one graph of consecutive frames; attacks are found by the alarm stage, "
        "which asks for several windows. Controls are simple scorers that a model has to beat.",
        blocks=(table, *(doubted if found else []), *folded),
    )


def _sizes(whole: Sequence[EvaluationRow], files: int) -> str:
    """Windows, attacks and files of a scenario."""
    found = next((row.metrics for row in whole if row.metrics is not None), None)
    if found is None:
        return counted(files, "file")
    return (
        f"{counted(found.windows, 'window')}, {found.attacks:,} attacked, {counted(files, 'file')}"
    )


def _blank() -> TableLine:
    nothing = Cell(text=NOT_AVAILABLE)
    cells = (Cell(text="nothing can be counted"), *(nothing for _ in _IN_BRIEF))
    return TableLine(cells=cells, tone="control")


def _in_full(
    scenario: str,
    whole: Sequence[EvaluationRow],
    files: Sequence[Sequence[EvaluationRow]],
    scorer: str,
) -> Folded:
    """Every figure of every scorer, whole and by file."""
    lines: list[TableLine] = []
    for rows in (whole, *files) if len(files) > 1 else files:
        lines.append(TableLine(cells=(Cell(text=rows[0].file or "all files"),), tone="head"))
        shown = [row for row in rows if row.metrics is not None]
        lines += [_line(row, scorer, COLUMNS, _intervals(rows, row)) for row in shown]
    table = PageTable(
        name=f"all of {scenario}",
        caption=f"{scenario}, every scorer; small: 95 % intervals",
        headings=_headings(COLUMNS),
        lines=tuple(lines),
    )
    return Folded(
        summary=f"{scenario}: every scorer{' and file' if len(files) > 1 else ''}",
        blocks=(table,),
    )


def _headings(columns: Sequence[RowColumn]) -> tuple[Heading, ...]:
    return (
        Heading(title="scorer", number=False),
        *(
            Heading(title=_TITLES.get(c.title, c.title), hint=_HINTS.get(c.title, ""))
            for c in columns
        ),
    )


def _intervals(rows: Sequence[EvaluationRow], row: EvaluationRow) -> dict[str, str]:
    """Those of the same scorer, by column."""
    found = next((r.intervals for r in rows if r.scorer == row.scorer), None)
    if found is None:
        return {}
    both = {"ROC-AUC": found.roc_auc, "F1": found.f1}
    return {title: _interval(ends) for title, ends in both.items() if ends is not None}


def _interval(ends: ConfidenceInterval) -> str:
    return f"{ends[0]:.3f} – {ends[1]:.3f}"


def _line(
    row: EvaluationRow, scorer: str, columns: Sequence[RowColumn], intervals: dict[str, str]
) -> TableLine:
    metrics = asdict(row.metrics) if row.metrics else {}
    figures = metrics | (asdict(row.alarms) if row.alarms else {})
    figures["threshold"] = row.threshold.value if row.threshold else None
    cells = (
        Cell(
            text=column.text(row),
            value=figures.get(_FIGURES[column.title]),
            note=intervals.get(column.title, ""),
        )
        for column in columns
    )
    name = Cell(text=shown_name(row.scorer, row.kind))
    return TableLine(cells=(name, *cells), tone=_tone(row, scorer))


def _tone(row: EvaluationRow, scorer: str) -> Tone:
    if row.scorer == scorer:
        return "own"
    return "control" if row.kind == "control" else "plain"
