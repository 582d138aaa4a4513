"""An evaluation on one screen: what stands below its table."""

from __future__ import annotations

from dataclasses import replace

from can_train.evaluation.compact import COLUMNS, compact_rows, remarks, scenarios_of
from can_train.evaluation.judgement import Judged
from tests.unit.evaluation.reports_for_tests import SMALL, THRESHOLD

GAT = Judged(name="gat", kind="model", roc_auc=1.0, f1=1.0, fpr=0.0, threshold=THRESHOLD)
TREES = Judged(name="boosted_trees", kind="control", roc_auc=0.9, f1=0.8, fpr=0.0)


def test_scenarios_hold_the_rows_of_all_their_files_together() -> None:
    ((scenario, scorers),) = scenarios_of(SMALL)
    assert scenario == "test_01_known_vehicle_known_attack"
    assert [scorer.name for scorer in scorers] == ["gat", "position_only"]


def test_one_control_is_shown_per_scenario() -> None:
    worse = replace(TREES, name="id_lookup", f1=0.1)
    rows = list(compact_rows([("test_01_a", [GAT, worse, TREES])]))
    assert [row.cells[0] for row in rows] == ["test_01_a", "  gat", "  boosted_trees (control)"]
    assert all(len(row.cells) == len(COLUMNS) for row in rows[1:])


def test_a_scenario_whose_labels_say_nothing_takes_one_line() -> None:
    blank = Judged(name="gat", kind="model", threshold=THRESHOLD)
    (row,) = compact_rows([("test_05_suppress", [blank, replace(blank, kind="control")])])
    assert row.cells == ("test_05_suppress: n/a, nothing can be counted",)


def test_what_is_wrong_and_who_is_ahead_stands_below() -> None:
    few = replace(GAT, f1=0.006, threshold=replace(THRESHOLD, benign_windows=29, exact=False))
    lines = remarks(
        [
            ("test_01_a", [few, TREES]),
            ("test_02_b", [GAT, TREES]),
            ("test_03_c", [GAT, replace(GAT, name="boosted_trees", kind="control")]),
            ("held_out", [GAT, TREES]),
        ]
    )
    assert lines == [
        "thresholds from 1,200 benign windows: gat 0.5",
        "test_01: gat: ROC-AUC 1.000 but F1 0.006: the threshold rests on 29 benign windows",
        "test_01: a simple control beats the trained models: F1 boosted_trees 0.8000, gat 0.0060",
        "models and controls tie in test_03",
        "models lead in test_02, held_out",
    ]


def test_too_few_windows_for_a_threshold_are_told() -> None:
    few = replace(GAT, threshold=replace(THRESHOLD, benign_windows=1, exact=False))
    assert remarks([("test_01", [few])])[0] == (
        "thresholds from 1 benign window, too few for a rate of 0.001: gat 0.5"
    )


def test_detectors_of_others_are_all_shown_and_told_of_where_they_lead() -> None:
    mine = replace(GAT, name="mine", kind="other", f1=0.9, roc_auc=1.0, fpr=0.2)
    worse = replace(GAT, f1=0.8)
    rows = list(compact_rows([("test_01_a", [GAT, mine, TREES])]))
    assert [row.cells[0] for row in rows] == [
        "test_01_a", "  gat", "  mine (other)", "  boosted_trees (control)",
    ]  # fmt: skip
    useless = replace(mine, fpr=0.5, f1=0.95)
    lines = remarks(
        [
            ("test_01_a", [worse, mine, TREES]),
            ("test_02_b", [GAT, mine, TREES]),
            ("test_03_c", [worse, useless, TREES]),
        ]
    )
    assert lines[0] == "thresholds from 1,200 benign windows: gat 0.5, mine 0.5"
    assert "test_01: mine: 20 % of benign windows alarm" in lines
    assert [line for line in lines if "another detector" in line] == [
        "test_01: another detector beats the trained models: F1 mine 0.9000, gat 0.8000"
    ]
