"""Columns of the printed tables: of the windows, and with the alarm stage on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from can_train.evaluation.alarms import AlarmMetrics
from can_train.evaluation.compact import rate_text, share_text
from can_train.evaluation.metrics import WindowMetrics
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationRow, shown_name
from can_train.tables import TableColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumn:
    """One column of a table of rows.

    Attributes:
        title: What stands above it.
        text: What it shows of a row.
        drop: Columns with the highest number go first when the terminal is too narrow; 0 stays.
    """

    title: str
    text: Callable[[EvaluationRow], str]
    drop: int = 0


def columns_of(columns: Sequence[RowColumn]) -> tuple[TableColumn, ...]:
    """Columns as they are printed, the scorer's first."""
    numbers = (TableColumn(title=c.title, drop=c.drop, right=True) for c in columns)
    return (TableColumn(title="scorer"), *numbers)


def cells_of(columns: Sequence[RowColumn], rows: Iterable[EvaluationRow]) -> list[list[str]]:
    """A line for each row."""
    return [
        [
            shown_name(row.scorer, row.kind),
            *(column.text(row) for column in columns),
        ]
        for row in rows
    ]


def _of_windows(title: str, text: Callable[[WindowMetrics], str], drop: int = 0) -> RowColumn:
    def shown(row: EvaluationRow) -> str:
        return text(row.metrics) if row.metrics else NOT_AVAILABLE

    return RowColumn(title=title, text=shown, drop=drop)


def _of_alarms(title: str, text: Callable[[AlarmMetrics], str], drop: int = 0) -> RowColumn:
    def shown(row: EvaluationRow) -> str:
        return text(row.alarms) if row.alarms else NOT_AVAILABLE

    return RowColumn(title=title, text=shown, drop=drop)


def _bounded(value: float | None, upper: float | None) -> str:
    """Events per hour with the upper 95 % bound."""
    if value is None or upper is None:
        return NOT_AVAILABLE
    return f"{value:,.1f} (<{upper:,.1f})"


def _found(found: int | None, metrics: AlarmMetrics) -> str:
    """Of the labelled attacks."""
    if found is None or not metrics.episodes:
        return NOT_AVAILABLE
    return f"{found}/{metrics.episodes}"


def _delay(metrics: AlarmMetrics) -> str:
    middle, high = metrics.delay_median_s, metrics.delay_p95_s
    if middle is None or high is None:
        return NOT_AVAILABLE
    return f"{middle:.2f} ({high:.2f})"


def _pair(first: float | None, second: float | None, text: Callable[[float | None], str]) -> str:
    if first is None and second is None:
        return NOT_AVAILABLE
    return f"{text(first)} {text(second)}"


WINDOW_COLUMNS: Final = (
    _of_windows("windows", lambda m: f"{m.windows:,}"),
    _of_windows("attacks", lambda m: f"{m.attacks:,}"),
    _of_windows("accuracy", lambda m: share_text(m.accuracy), drop=6),
    _of_windows("precision", lambda m: share_text(m.precision), drop=3),
    _of_windows("recall", lambda m: share_text(m.recall), drop=2),
    _of_windows("F1", lambda m: share_text(m.f1)),
    _of_windows("MCC", lambda m: share_text(m.mcc), drop=4),
    _of_windows("ROC-AUC", lambda m: share_text(m.roc_auc)),
    _of_windows("PR-AUC", lambda m: share_text(m.pr_auc), drop=5),
    _of_windows("FPR", lambda m: rate_text(m.fpr)),
    _of_windows(
        "FA/h (95 %)",
        lambda m: _bounded(m.false_alarms_per_hour, m.false_alarms_per_hour_upper),
        drop=1,
    ),
)

ALARM_COLUMNS: Final = (
    _of_alarms("alarm", lambda m: _found(m.found_by_alarm, m)),
    _of_alarms("notice", lambda m: _found(m.found_by_notice, m)),
    _of_alarms("delay s (p95)", _delay),
    _of_alarms("alarms/h (95 %)", lambda m: _bounded(m.alarms_per_hour, m.alarms_per_hour_upper)),
    _of_alarms(
        "notices/h",
        lambda m: NOT_AVAILABLE if m.notices_per_hour is None else f"{m.notices_per_hour:,.1f}",
        drop=1,
    ),
    _of_alarms("FPR before, after", lambda m: _pair(m.fpr_before, m.fpr_after, rate_text), drop=2),
    _of_alarms(
        "recall thirds 1, 3",
        lambda m: _pair(m.recall_first_third, m.recall_last_third, share_text),
        drop=3,
    ),
)
