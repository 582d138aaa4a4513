"""The evaluation as text: one compact table, or every column of every file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, TextIO

from can_train.evaluation.alarms import UNDEFINED_ALARMS
from can_train.evaluation.compact import COLUMNS, LEGEND, compact_rows, remarks, scenarios_of
from can_train.evaluation.judgement import standing, verdict
from can_train.evaluation.report import EvaluationReport, EvaluationRow
from can_train.evaluation.row_columns import (
    ALARM_COLUMNS,
    WINDOW_COLUMNS,
    RowColumn,
    cells_of,
    columns_of,
)
from can_train.tables import TableRow, write_lines, write_table

_POOLED: Final = "all files"
_NO_ROOM: Final = (
    "no room on this terminal for these columns, which are in evaluation.csv and in what --json "
    "prints"
)
_ALARM_TITLE: Final = "-- all files, with the alarm stage on (each file: evaluation.csv)"


def print_report(report: EvaluationReport, stream: TextIO, *, full: bool = False) -> None:
    """Prints a report to `stream`.

    Args:
        report: The report.
        stream: Where to.
        full: Every figure of every scorer, per file where a scenario has several, instead of one
            table of the models and the best control.
    """
    if full:
        _print_all(report, stream)
        return
    scenarios = scenarios_of(report)
    stream.write(f"{report.dataset}, {f'run {report.run_id}' if report.run_id else 'no run'}\n")
    write_table(stream, COLUMNS, compact_rows(scenarios))
    write_lines(stream, (LEGEND, *remarks(scenarios)))


def verdicts(report: EvaluationReport) -> list[str]:
    """One line per scenario: whether a control does as well as the trained models, or better."""
    return [verdict(scenario, standing(scorers)) for scenario, scorers in scenarios_of(report)]


def _print_all(report: EvaluationReport, stream: TextIO) -> None:
    without: dict[str, None] = {}
    for scenario, rows in _by_scenario(report.rows):
        stream.write(f"{report.dataset} / {scenario}\n")
        found = write_table(stream, columns_of(WINDOW_COLUMNS), _window_rows(rows))
        without |= dict.fromkeys(found)
        pooled = _with_alarms(rows)
        if pooled:
            stream.write(f"{_ALARM_TITLE}\n")
            found = write_table(stream, columns_of(ALARM_COLUMNS), _rows(ALARM_COLUMNS, pooled))
            without |= dict.fromkeys(found)
        stream.write("\n")
    write_lines(stream, verdicts(report))
    if without:
        write_lines(stream, [f"{_NO_ROOM}: {', '.join(without)}"])


def _window_rows(rows: Sequence[EvaluationRow]) -> Iterator[TableRow]:
    """All files together, then each where there are several."""
    blocks = [(file, list(found)) for file, found in groupby(rows, key=lambda row: row.file)]
    for file, found in blocks if len(blocks) > 2 else blocks[:1]:
        yield TableRow(cells=(f"-- {file or _POOLED}",), style="bold")
        yield from _rows(WINDOW_COLUMNS, found)


def _rows(columns: Sequence[RowColumn], rows: Sequence[EvaluationRow]) -> Iterator[TableRow]:
    for row, cells in zip(rows, cells_of(columns, rows), strict=True):
        yield TableRow(cells=tuple(cells), style="dim" if row.kind == "control" else "")


def _by_scenario(rows: Sequence[EvaluationRow]) -> list[tuple[str, list[EvaluationRow]]]:
    return [(key, list(group)) for key, group in groupby(rows, key=lambda row: row.scenario)]


def _with_alarms(rows: Iterable[EvaluationRow]) -> list[EvaluationRow]:
    """Rows of the whole scenario, if any of them says something of alarms."""
    pooled = [row for row in rows if row.file is None]
    said = [row for row in pooled if row.alarms and row.alarms != UNDEFINED_ALARMS]
    return pooled if said else []
