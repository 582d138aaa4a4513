"""The evaluation as tables: rich on a terminal, plain text of fixed width elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from can_train.evaluation.alarms import UNDEFINED_ALARMS
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationReport, EvaluationRow
from can_train.evaluation.row_columns import (
    ALARM_COLUMNS,
    WINDOW_COLUMNS,
    RowColumn,
    cells_of,
    header_of,
)

_POOLED: Final = "all files"
_GAP: Final = "  "
_PER_FILE: Final = "-- all files, with the alarm stage on (each file: evaluation.csv)"


def print_report(report: EvaluationReport, stream: TextIO) -> None:
    """Prints all tables and what they say about the controls to `stream`."""
    if not stream.isatty():
        stream.write(render_report(report))
        return
    console = Console(file=stream, highlight=False)
    for scenario, rows in _by_scenario(report.rows):
        blocks = [(title, cells_of(WINDOW_COLUMNS, block)) for title, block in _by_file(rows)]
        _print_table(console, scenario, WINDOW_COLUMNS, blocks)
        pooled = _with_alarms(rows)
        if pooled:
            alarms = [(_POOLED, cells_of(ALARM_COLUMNS, pooled))]
            _print_table(console, f"{scenario}, alarm stage on", ALARM_COLUMNS, alarms)
    for line in verdicts(report):
        console.print(line, markup=False)


def render_report(report: EvaluationReport) -> str:
    """The same as plain text with every column, whatever its width."""
    lines: list[str] = []
    for scenario, rows in _by_scenario(report.rows):
        blocks = [(title, cells_of(WINDOW_COLUMNS, block)) for title, block in _by_file(rows)]
        widths = _widths(WINDOW_COLUMNS, [line for _, block in blocks for line in block])
        lines += [
            f"{report.dataset} / {scenario}",
            _plain(header_of(WINDOW_COLUMNS), widths),
        ]
        for title, block in blocks:
            lines += [f"-- {title}", *(_plain(line, widths) for line in block)]
        pooled = _with_alarms(rows)
        if pooled:
            cells = cells_of(ALARM_COLUMNS, pooled)
            widths = _widths(ALARM_COLUMNS, cells)
            lines += [_PER_FILE, _plain(header_of(ALARM_COLUMNS), widths)]
            lines += [_plain(line, widths) for line in cells]
        lines.append("")
    return "\n".join([*lines, *verdicts(report)]) + "\n"


def verdicts(report: EvaluationReport) -> list[str]:
    """One line per scenario: whether a control does as well as the trained models, or better."""
    return [
        _verdict(scenario, [row for row in rows if row.file is None])
        for scenario, rows in _by_scenario(report.rows)
    ]


def _verdict(scenario: str, rows: Sequence[EvaluationRow]) -> str:
    wins, compared = [], []
    for title, metric in _RANKED:
        model, control = _best(rows, "model", metric), _best(rows, "control", metric)
        if model is None or control is None:
            continue
        numbers = f"{title} {control[1]} {control[0]:.4f}, {model[1]} {model[0]:.4f}"
        compared.append(numbers)
        if control[0] > model[0]:
            wins.append(numbers)
    if not compared:
        return f"{scenario}: {NOT_AVAILABLE} (no model and control to compare)"
    if wins:
        return f"{scenario}: a simple control beats the trained models: {'; '.join(wins)}"
    return f"{scenario}: no control beats the trained models: {'; '.join(compared)}"


_RANKED: Final[tuple[tuple[str, Callable[[WindowMetrics], float | None]], ...]] = (
    ("F1", lambda m: m.f1),
    ("ROC-AUC", lambda m: m.roc_auc),
)


def _best(
    rows: Iterable[EvaluationRow], kind: str, metric: Callable[[WindowMetrics], float | None]
) -> tuple[float, str] | None:
    """Highest value and its scorer among rows of one kind; the first one of equals."""
    found = [
        (value, row.scorer)
        for row in rows
        if row.kind == kind and row.metrics and (value := metric(row.metrics)) is not None
    ]
    return max(found, key=lambda pair: pair[0], default=None)


def _by_scenario(rows: Sequence[EvaluationRow]) -> list[tuple[str, list[EvaluationRow]]]:
    return [(key, list(group)) for key, group in groupby(rows, key=lambda row: row.scenario)]


def _by_file(rows: Sequence[EvaluationRow]) -> list[tuple[str, list[EvaluationRow]]]:
    groups = groupby(rows, key=lambda row: row.file)
    return [(_POOLED if file is None else file, list(group)) for file, group in groups]


def _with_alarms(rows: Iterable[EvaluationRow]) -> list[EvaluationRow]:
    """Rows of the whole scenario, if any of them says something of alarms."""
    pooled = [row for row in rows if row.file is None]
    said = [row for row in pooled if row.alarms and row.alarms != UNDEFINED_ALARMS]
    return pooled if said else []


def _widths(columns: Sequence[RowColumn], lines: Iterable[Sequence[str]]) -> list[int]:
    return [max(map(len, cells)) for cells in zip(header_of(columns), *lines, strict=True)]


def _plain(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if i else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join([first, *rest]).rstrip()


def _fitting(columns: Sequence[RowColumn], lines: Iterable[Sequence[str]], width: int) -> list[int]:
    """Indices of the columns that fit into `width` characters."""
    widths = _widths(columns, lines)
    kept = list(range(len(columns)))
    for index in sorted(kept, key=lambda i: -columns[i].drop):
        needed = widths[0] + sum(widths[i + 1] + len(_GAP) + 1 for i in kept) + 4
        if needed <= width or not columns[index].drop:
            break
        kept.remove(index)
    return kept


def _print_table(
    console: Console,
    title: str,
    columns: Sequence[RowColumn],
    blocks: Sequence[tuple[str, list[list[str]]]],
) -> None:
    """One table with the columns that fit, and the names of the others."""
    fitting = _fitting(columns, [line for _, lines in blocks for line in lines], console.width)
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    table.add_column("scorer", no_wrap=True)
    for index in fitting:
        table.add_column(columns[index].title, justify="right", no_wrap=True)
    for name, lines in blocks:
        table.add_row(escape(name), style="bold")
        for line in lines:
            style = "dim" if line[0].endswith("(control)") else None
            table.add_row(escape(line[0]), *(line[i + 1] for i in fitting), style=style)
        table.add_section()
    console.print(table)
    if len(fitting) < len(columns):
        left_out = [c.title for i, c in enumerate(columns) if i not in fitting]
        console.print(f"also in evaluation.csv: {', '.join(left_out)}")
