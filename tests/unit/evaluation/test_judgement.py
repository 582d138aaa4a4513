"""Who is ahead in an evaluation, what ties, and what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from can_train.evaluation.judgement import (
    Judged,
    best_control,
    controls_to_beat,
    fault,
    judged,
    short_name,
    standing,
    verdict,
)
from can_train.evaluation.metrics import undefined_metrics
from can_train.evaluation.report import EvaluationRow
from can_train.evaluation.table import verdicts
from tests.unit.evaluation.reports_for_tests import (
    GOOD,
    SCENARIO,
    THRESHOLD,
    WORSE,
    report,
    row,
)

FEW = replace(THRESHOLD, benign_windows=29, exact=False)
MODEL = Judged(name="gat", kind="model", roc_auc=0.99, f1=0.95, fpr=0.001, threshold=THRESHOLD)
TREES = replace(MODEL, name="boosted_trees", kind="control")


def test_a_control_that_wins_is_named() -> None:
    trees = row("boosted_trees", GOOD, kind="control")
    assert verdicts(report(row("gat", WORSE), row("vgae", WORSE), trees)) == [
        f"{SCENARIO}: a simple control beats the trained models: "
        "F1 boosted_trees 1.0000, gat 0.6667; ROC-AUC boosted_trees 1.0000, gat 0.7500"
    ]


def test_a_tie_is_called_a_tie() -> None:
    assert standing([MODEL, TREES]).outcome == "tie"
    assert standing([MODEL, replace(TREES, f1=0.95004)]).outcome == "tie"
    assert standing([MODEL, replace(TREES, f1=0.9501)]).outcome == "control"
    assert standing([MODEL, replace(TREES, f1=0.9499)]).outcome == "model"
    trees = row("boosted_trees", GOOD, kind="control")
    assert "trained models and controls tie: F1" in verdicts(report(row("gat", GOOD), trees))[0]


def test_who_alarms_all_the_time_beats_nothing() -> None:
    always = replace(TREES, name="always_attack", f1=0.99, fpr=0.95)
    assert standing([MODEL, always, replace(TREES, f1=0.5, roc_auc=0.5)]).outcome == "model"
    found = standing([replace(MODEL, fpr=0.95), replace(TREES, f1=0.1)])
    assert found.outcome == "none"
    assert "none beats anything" in verdict("test_01", found)
    better = [replace(MODEL, fpr=0.95), replace(MODEL, name="vgae", f1=0.2), TREES]
    assert "gat" not in standing(better).figures


def test_the_best_control_is_one_that_can_be_used() -> None:
    always = replace(TREES, name="always_attack", f1=0.99, fpr=1.0)
    assert best_control([MODEL, always, TREES]) == TREES
    assert best_control([MODEL, always]) == always
    assert best_control([MODEL]) is None


def test_the_control_that_ranks_better_is_to_be_beaten_too() -> None:
    ranks = replace(TREES, name="id_lookup", f1=0.5, roc_auc=0.999)
    assert controls_to_beat([MODEL, ranks, TREES]) == [TREES, ranks]
    assert controls_to_beat([TREES, replace(ranks, roc_auc=TREES.roc_auc)]) == [TREES]
    assert controls_to_beat([TREES, replace(ranks, fpr=0.9)]) == [TREES]
    assert controls_to_beat([MODEL]) == []


def test_the_words_name_the_control_that_the_table_shows() -> None:
    first = replace(TREES, name="logistic_regression", f1=0.99, roc_auc=0.98)
    second = replace(first, name="small_mlp", roc_auc=0.995)
    shown = best_control([first, second])
    assert shown is not None
    assert standing([MODEL, first, second]).figures.startswith(f"F1 {shown.name} 0.9900")


def test_a_scenario_without_labels_has_no_verdict() -> None:
    blank = EvaluationRow(
        scenario="test_05_suppress",
        file=None,
        scorer="gat",
        kind="model",
        threshold=THRESHOLD,
        metrics=undefined_metrics(40),
    )
    assert verdicts(report(blank)) == ["test_05_suppress: n/a (no model and control to compare)"]
    assert fault(judged(blank)) == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        (
            {"roc_auc": 1.0, "f1": 0.006, "threshold": FEW},
            "gat: ROC-AUC 1.000 but F1 0.006: the threshold rests on 29 benign windows",
        ),
        (
            {"f1": 0.3, "recall": 0.18},
            "gat: ROC-AUC 0.990 but F1 0.300: recall is 0.180 at the threshold",
        ),
        ({"fpr": 0.95}, "gat: 95 % of benign windows alarm"),
        (
            {"fpr": 0.07, "threshold": FEW},
            "gat: 7 % of benign windows alarm: the threshold rests on 29 benign windows",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(change: dict[str, object], told: str) -> None:
    assert fault(replace(MODEL, **change)) == told  # type: ignore[arg-type]  # by field


def test_only_official_scenarios_are_shortened() -> None:
    assert short_name(SCENARIO) == "test_01"
    assert short_name("held_out") == "held_out"
