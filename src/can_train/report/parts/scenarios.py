"""The scenario table: every scorer, with intervals and controls, whole and by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Final

from can_train.evaluation.bootstrap import ConfidenceInterval
from can_train.evaluation.report import EvaluationRow
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
}
_TITLES: Final = {"alarm": "attacks found", "delay s (p95)": "delay in s (p95)"}

_FIGURES: Final = {
    "windows": "windows", "attacks": "attacks", "precision": "precision", "recall": "recall",
    "F1": "f1", "MCC": "mcc", "ROC-AUC": "roc_auc", "PR-AUC": "pr_auc", "FPR": "fpr",
    "FA/h (95 %)": "false_alarms_per_hour", "alarm": "found_by_alarm",
    "delay s (p95)": "delay_median_s", "alarms/h (95 %)": "alarms_per_hour",
}  # fmt: skip
"""Figure of an evaluation behind each column that is shown."""

COLUMNS: Final = tuple(c for c in (*WINDOW_COLUMNS, *ALARM_COLUMNS) if c.title in _FIGURES)
_IN_BRIEF: Final = tuple(c for c in COLUMNS if c.title not in {"precision", "MCC", "FA/h (95 %)"})


def scenario_section(records: RunRecords) -> PageSection:
    """All scenarios; what single files give is folded."""
    lines: list[TableLine] = []
    folded: list[Block] = []
    for scenario, rows in records.scenarios.items():
        files = [list(found) for _, found in groupby(rows, key=lambda row: row.file)]
        whole, single = files[0], files[1:]
        note = f"{len(single)} files" if len(single) > 1 else ""
        lines.append(TableLine(cells=(Cell(text=scenario, note=note),), tone="head"))
        intervals = single[0] if len(single) == 1 else whole
        shown = [r for r in whole if r.metrics is not None]
        lines += [
            _line(row, records.scorer, _IN_BRIEF, _intervals(intervals, row)) for row in shown
        ]
        if len(single) > 1:
            folded.append(_by_file(scenario, single, records.scorer))
    table = PageTable(
        name="scenarios",
        caption="At the stored thresholds; small: 95 % intervals from blocks of windows, where a "
        "scenario is one file",
        headings=_headings(_IN_BRIEF),
        lines=tuple(lines),
    )
    found = doubts(records)
    doubted: list[Block] = [Notes(texts=tuple(f"{d[:1].upper()}{d[1:]}." for d in found))]
    return PageSection(
        name="scenarios",
        title="How well it detects",
        lead="A window is one graph of consecutive frames; attacks are found by the alarm stage, "
        "which asks for several windows. Controls are simple scorers beside which a model has to "
        "stand.",
        blocks=(table, *(doubted if found else []), *folded),
    )


def _by_file(scenario: str, files: Sequence[Sequence[EvaluationRow]], scorer: str) -> Folded:
    lines: list[TableLine] = []
    for rows in files:
        lines.append(TableLine(cells=(Cell(text=rows[0].file or ""),), tone="head"))
        shown = [row for row in rows if row.metrics is not None]
        lines += [_line(row, scorer, COLUMNS, _intervals(rows, row)) for row in shown]
    table = PageTable(
        name=f"files of {scenario}",
        caption=f"{scenario} by file; small: 95 % intervals",
        headings=_headings(COLUMNS),
        lines=tuple(lines),
    )
    return Folded(summary=f"{scenario}: each of its {len(files)} files", blocks=(table,))


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
    name = f"{row.scorer} (control)" if row.kind == "control" else row.scorer
    cells = (
        Cell(
            text=column.text(row),
            value=figures.get(_FIGURES[column.title]),
            note=intervals.get(column.title, ""),
        )
        for column in columns
    )
    return TableLine(cells=(Cell(text=name), *cells), tone=_tone(row, scorer))


def _tone(row: EvaluationRow, scorer: str) -> Tone:
    if row.scorer == scorer:
        return "own"
    return "control" if row.kind == "control" else "plain"
