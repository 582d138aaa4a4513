"""Cells of the tables of scorers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from can_train.comparison.groups import compare_runs
from can_train.comparison.scorer_columns import ALARM_COLUMNS, WINDOW_COLUMNS
from can_train.comparison.scorers import ScorerGroup, Subject, scorer_groups
from can_train.evaluation.report import load_report, write_report
from can_train.runs.layout import evaluation_path
from tests.unit.comparison.fusions_for_tests import fusions
from tests.unit.comparison.runs_for_tests import FIRST, Made

COLUMNS = {column.title: column for column in (*WINDOW_COLUMNS[2:], *ALARM_COLUMNS)}


def group_with(made: Made, seeds: int = 3, **figures: float | None) -> ScorerGroup:
    """The same window figures in every seed."""
    runs = fusions(made, seeds)
    for run in runs[2::3]:
        report = load_report(evaluation_path(run))
        rows = [
            replace(row, metrics=replace(row.metrics, **figures))  # type: ignore[arg-type]
            for row in report.rows
            if row.metrics is not None
        ]
        write_report(replace(report, rows=tuple(rows)), run)
    (group,) = scorer_groups(compare_runs(runs))[0]
    return group


def cell(group: ScorerGroup, title: str) -> str:
    return COLUMNS[title].cell(group, Subject(scenario=FIRST), "fusion")


@pytest.mark.parametrize(
    ("fpr", "text"),
    [(0.1 / 300, "3.3e-04 ± 0.0000"), (1.1 / 70, "0.0157 ± 0.0000"), (0.0, "0.0000 ± 0.0000"),
     (None, "n/a")],
)  # fmt: skip
def test_equal_rates_have_an_interval_of_no_width(made: Made, fpr: float | None, text: str) -> None:
    assert cell(group_with(made, fpr=fpr), "FPR") == text


def test_large_rates_have_no_decimals_and_lacking_bounds_are_left_out(made: Made) -> None:
    group = group_with(made, false_alarms_per_hour=76_035.4, false_alarms_per_hour_upper=78_947.6)
    assert cell(group, "FA/h (95 %)") == "76,035±0.0 (<78,948)"
    kind = group.kinds[0]
    assert COLUMNS["FA/h (95 %)"].cell(group, kind, "fusion") == "76,035±0.0"


def test_one_seed_has_no_interval(made: Made) -> None:
    group = group_with(made, seeds=1)
    assert cell(group, "F1") == "0.7000 ± n/a"
    assert cell(group, "found") == "4.0±n/a of 4"
    assert cell(group, "delay s") == "0.50±n/a"
