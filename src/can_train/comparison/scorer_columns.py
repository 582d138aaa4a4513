"""Columns of the tables of scorers: of the windows, and with the alarm stage on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from can_train.comparison.intervals import SeedMean
from can_train.comparison.scorers import ScorerGroup, Subject
from can_train.evaluation.report import NOT_AVAILABLE

ROUNDING: Final = 1e-12
"""Equal values have an interval of about 1e-18, not of none; one window is never so little."""

_Cell = Callable[[ScorerGroup, Subject, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureColumn:
    """One column: what it shows of a scorer on a subject."""

    title: str
    cell: _Cell


def _of(title: str, figure: str, text: Callable[[float], str], between: str = "±") -> FigureColumn:
    def cell(group: ScorerGroup, subject: Subject, scorer: str) -> str:
        return _mean(group.over_seeds(subject, scorer, figure).mean, text, between)

    return FigureColumn(title=title, cell=cell)


def _worst_of(figure: str) -> FigureColumn:
    def cell(group: ScorerGroup, subject: Subject, scorer: str) -> str:
        worst = group.over_seeds(subject, scorer, figure).worst
        return NOT_AVAILABLE if worst is None else _share(worst)

    return FigureColumn(title="worst", cell=cell)


def _bounded(title: str, figure: str) -> FigureColumn:
    """Events per hour with the highest of the seeds' upper bounds: they score the same hours."""

    def cell(group: ScorerGroup, subject: Subject, scorer: str) -> str:
        text = _mean(group.over_seeds(subject, scorer, figure).mean, _per_hour)
        upper = group.over_seeds(subject, scorer, f"{figure}_upper").worst
        return text if upper is None else f"{text} (<{_per_hour(upper)})"

    return FigureColumn(title=title, cell=cell)


def _found(group: ScorerGroup, subject: Subject, scorer: str) -> str:
    """Of the labelled attacks, whose number is the same in every seed."""
    episodes = group.over_seeds(subject, scorer, "episodes").worst
    if not episodes:
        return NOT_AVAILABLE
    found = group.over_seeds(subject, scorer, "found_by_alarm").mean
    return f"{_mean(found, '{:.1f}'.format)} of {episodes:.0f}"


def _mean(found: SeedMean | None, text: Callable[[float], str], between: str = "±") -> str:
    if found is None:
        return NOT_AVAILABLE
    spread = NOT_AVAILABLE if found.half_width is None else text(found.half_width)
    return f"{text(found.mean)}{between}{spread}"


def _share(value: float) -> str:
    return f"{value:.4f}"


def _rate(value: float) -> str:
    """Four digits, or the order of magnitude where they would all be zero."""
    return f"{value:.1e}" if ROUNDING < value < 1e-3 else _share(value)


def _per_hour(value: float) -> str:
    """One digit where it counts."""
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


WINDOW_COLUMNS: Final = (
    _of("ROC-AUC", "roc_auc", _share, " ± "),
    _worst_of("roc_auc"),
    _of("F1", "f1", _share, " ± "),
    _worst_of("f1"),
    _of("FPR", "fpr", _rate, " ± "),
    _bounded("FA/h (95 %)", "false_alarms_per_hour"),
)

ALARM_COLUMNS: Final = (
    FigureColumn(title="found", cell=_found),
    _of("delay s", "delay_median_s", "{:.2f}".format),
    _of("p95 s", "delay_p95_s", "{:.2f}".format),
    _bounded("alarms/h (95 %)", "alarms_per_hour"),
    _of("before %", "fpr_before", _percent),
    _of("after %", "fpr_after", _percent),
    _of("first %", "recall_first_third", _percent),
    _of("last %", "recall_last_third", _percent),
)
