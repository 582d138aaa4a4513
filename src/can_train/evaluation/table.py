"""The evaluation as tables: rich on a terminal, plain text of fixed width elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationReport, EvaluationRow

_POOLED: Final = "all files"
_GAP: Final = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    title: str
    text: Callable[[WindowMetrics], str]
    drop: int = 0
    """Columns with the highest number go first when the terminal is too narrow; 0 stays."""


def _share(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else f"{value:.4f}"


def _rate(value: float | None) -> str:
    """Four digits, or the order of magnitude where they would all be zero."""
    return f"{value:.1e}" if value and value < 1e-3 else _share(value)


def _per_hour(metrics: WindowMetrics) -> str:
    """False alarms per hour with the upper 95 % bound."""
    value, upper = metrics.false_alarms_per_hour, metrics.false_alarms_per_hour_upper
    if value is None or upper is None:
        return NOT_AVAILABLE
    return f"{value:,.1f} (<{upper:,.1f})"


_COLUMNS: Final = (
    _Column(title="windows", text=lambda m: f"{m.windows:,}"),
    _Column(title="attacks", text=lambda m: f"{m.attacks:,}"),
    _Column(title="accuracy", text=lambda m: _share(m.accuracy), drop=6),
    _Column(title="precision", text=lambda m: _share(m.precision), drop=3),
    _Column(title="recall", text=lambda m: _share(m.recall), drop=2),
    _Column(title="F1", text=lambda m: _share(m.f1)),
    _Column(title="MCC", text=lambda m: _share(m.mcc), drop=4),
    _Column(title="ROC-AUC", text=lambda m: _share(m.roc_auc)),
    _Column(title="PR-AUC", text=lambda m: _share(m.pr_auc), drop=5),
    _Column(title="FPR", text=lambda m: _rate(m.fpr)),
    _Column(title="FA/h (95 %)", text=_per_hour, drop=1),
)


def print_report(report: EvaluationReport, stream: TextIO) -> None:
    """Prints all tables and what they say about the controls to `stream`."""
    if not stream.isatty():
        stream.write(render_report(report))
        return
    console = Console(file=stream, highlight=False)
    for scenario, rows in _by_scenario(report.rows):
        blocks = [(title, _cells(block)) for title, block in _by_file(rows)]
        columns = _fitting([line for _, lines in blocks for line in lines], console.width)
        console.print(_rich_table(scenario, blocks, columns))
        if len(columns) < len(_COLUMNS):
            left_out = [c.title for i, c in enumerate(_COLUMNS) if i not in columns]
            console.print(f"also in evaluation.csv: {', '.join(left_out)}")
    for line in verdicts(report):
        console.print(line, markup=False)


def render_report(report: EvaluationReport) -> str:
    """The same as plain text with every column, whatever its width."""
    lines: list[str] = []
    for scenario, rows in _by_scenario(report.rows):
        blocks = [(title, _cells(block)) for title, block in _by_file(rows)]
        cells = [_header(), *(line for _, block in blocks for line in block)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines += [f"{report.dataset} / {scenario}", _plain(_header(), widths)]
        for title, block in blocks:
            lines += [f"-- {title}", *(_plain(line, widths) for line in block)]
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


def _header() -> list[str]:
    return ["scorer", *(column.title for column in _COLUMNS)]


def _cells(rows: Iterable[EvaluationRow]) -> list[list[str]]:
    return [
        [
            f"{row.scorer} (control)" if row.kind == "control" else row.scorer,
            *(column.text(row.metrics) if row.metrics else NOT_AVAILABLE for column in _COLUMNS),
        ]
        for row in rows
    ]


def _plain(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if i else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join([first, *rest]).rstrip()


def _fitting(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """Indices of the metric columns that fit into `width` characters."""
    widths = [max(map(len, column)) for column in zip(_header(), *lines, strict=True)]
    kept = list(range(len(_COLUMNS)))
    for index in sorted(kept, key=lambda i: -_COLUMNS[i].drop):
        needed = widths[0] + sum(widths[i + 1] + len(_GAP) + 1 for i in kept) + 4
        if needed <= width or not _COLUMNS[index].drop:
            break
        kept.remove(index)
    return kept


def _rich_table(
    scenario: str, blocks: Sequence[tuple[str, list[list[str]]]], columns: Sequence[int]
) -> Table:
    table = Table(title=escape(scenario), title_justify="left", title_style="bold")
    table.add_column("scorer", no_wrap=True)
    for index in columns:
        table.add_column(_COLUMNS[index].title, justify="right", no_wrap=True)
    for title, lines in blocks:
        table.add_row(escape(title), style="bold")
        for line in lines:
            style = "dim" if line[0].endswith("(control)") else None
            table.add_row(escape(line[0]), *(line[i + 1] for i in columns), style=style)
        table.add_section()
    return table
