"""An evaluation on one screen: per scenario the models and the best control, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from can_train.detectors.calibration import Threshold
from can_train.errors import counted
from can_train.evaluation.judgement import (
    Judged,
    best_control,
    fault,
    judged,
    others_ahead,
    short_name,
    standing,
    verdict,
)
from can_train.evaluation.report import NOT_AVAILABLE, EvaluationReport, shown_name
from can_train.tables import TableColumn, TableRow

FIGURES: Final = (
    TableColumn(title="ROC-AUC", right=True),
    TableColumn(title="F1", right=True),
    TableColumn(title="recall", right=True, drop=1),
    TableColumn(title="FPR", right=True),
    TableColumn(title="FA/h", right=True, drop=2),
)
"""What stands behind a scorer's name, and what gives way first where it is narrow."""

COLUMNS: Final = (TableColumn(title="scenario, scorer"), *FIGURES)
LEGEND: Final = (
    "at the stored thresholds; FPR: share of benign windows that alarm; FA/h: those per hour; "
    "control: the best one"
)


def share_text(value: float | None) -> str:
    """A share with four digits."""
    return NOT_AVAILABLE if value is None else f"{value:.4f}"


def rate_text(value: float | None) -> str:
    """Four digits, or the order of magnitude where they would all be zero."""
    return f"{value:.1e}" if value and value < 1e-3 else share_text(value)


def per_hour_text(value: float | None) -> str:
    """Events per hour; a digit behind the point where it counts."""
    if value is None:
        return NOT_AVAILABLE
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def compact_rows(scenarios: Iterable[tuple[str, Sequence[Judged]]]) -> Iterator[TableRow]:
    """Per scenario a heading, its models, detectors of others, and the best control."""
    for scenario, scorers in scenarios:
        if is_blank(scorers):
            yield blank_row(scenario)
            continue
        yield TableRow(cells=(scenario,), style="bold")
        control = best_control(scorers)
        shown = [s for s in scorers if s.kind != "control"] + ([] if control is None else [control])
        yield from (_row(scorer) for scorer in shown)


def is_blank(scorers: Iterable[Judged]) -> bool:
    """Whether nobody has a figure, such as where labels say nothing."""
    return all(s.f1 is None and s.fpr is None for s in scorers)


def blank_row(scenario: str) -> TableRow:
    """A scenario without figures, in a line."""
    return TableRow(cells=(f"{scenario}: {NOT_AVAILABLE}, nothing can be counted",))


def _row(scorer: Judged) -> TableRow:
    is_control = scorer.kind == "control"
    cells = (
        f"  {shown_name(scorer.name, scorer.kind)}",
        share_text(scorer.roc_auc),
        share_text(scorer.f1),
        share_text(scorer.recall),
        rate_text(scorer.fpr),
        per_hour_text(scorer.false_alarms_per_hour),
    )
    return TableRow(cells=cells, style="dim" if is_control else "red" if fault(scorer) else "")


def scenarios_of(report: EvaluationReport) -> list[tuple[str, list[Judged]]]:
    """Each scenario with its scorers on all of its files together."""
    whole = [row for row in report.rows if row.file is None]
    groups = groupby(whole, key=lambda row: row.scenario)
    return [(scenario, [judged(row) for row in rows]) for scenario, rows in groups]


def remarks(scenarios: Sequence[tuple[str, Sequence[Judged]]]) -> list[str]:
    """What stands below the table: thresholds, what is wrong, and who is ahead."""
    return [*_thresholds(scenarios), *scenario_remarks(scenarios)]


def scenario_remarks(scenarios: Sequence[tuple[str, Sequence[Judged]]]) -> list[str]:
    """What is wrong on a scenario, and who is ahead, in a line each."""
    ahead = ((short_name(scenario), others_ahead(scorers)) for scenario, scorers in scenarios)
    lines = [f"{name}: another detector beats the trained models: {w}" for name, w in ahead if w]
    return [*_faults(scenarios), *_standings(scenarios), *lines]


def _thresholds(scenarios: Sequence[tuple[str, Sequence[Judged]]]) -> Iterator[str]:
    """Of all but controls, together where the same number of windows is behind them."""
    models = {s.name: s for _, scorers in scenarios for s in scorers if s.kind != "control"}
    by_source: dict[str, list[str]] = {}
    for model in models.values():
        if (found := model.threshold) is not None:
            by_source.setdefault(_source(found), []).append(f"{model.name} {found.value:.4g}")
    for source, values in by_source.items():
        yield f"thresholds from {source}: {', '.join(values)}"


def _source(found: Threshold) -> str:
    few = "" if found.exact else f", too few for a rate of {found.target_fpr:g}"
    return f"{counted(found.benign_windows, 'benign window')}{few}"


def _faults(scenarios: Sequence[tuple[str, Sequence[Judged]]]) -> Iterator[str]:
    for scenario, scorers in scenarios:
        for scorer in scorers:
            if scorer.kind != "control" and (wrong := fault(scorer)):
                yield f"{short_name(scenario)}: {wrong}"


def _standings(scenarios: Sequence[tuple[str, Sequence[Judged]]]) -> Iterator[str]:
    """A line for each scenario where models don't lead, and one for all others."""
    found = {short_name(scenario): standing(scorers) for scenario, scorers in scenarios}
    for scenario, how in found.items():
        if how.outcome in {"control", "none"}:
            yield verdict(scenario, how)
    for outcome, words in (("tie", "models and controls tie in"), ("model", "models lead in")):
        if names := [scenario for scenario, how in found.items() if how.outcome == outcome]:
            yield f"{words} {', '.join(names)}"
