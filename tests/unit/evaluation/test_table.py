"""The evaluation as tables on a terminal and elsewhere."""

import io
from dataclasses import replace

from can_train.evaluation.alarms import UNDEFINED_ALARMS
from can_train.evaluation.metrics import undefined_metrics
from can_train.evaluation.report import EvaluationRow
from can_train.evaluation.table import print_report, render_report, verdicts
from tests.unit.evaluation.reports_for_tests import (
    FOUND,
    GOOD,
    SCENARIO,
    SMALL,
    THRESHOLD,
    WORSE,
    report,
    row,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_plain_table_is_this_text():
    assert render_report(SMALL).splitlines() == [
        "hcrl_sa / test_01_known_vehicle_known_attack",
        "scorer                   windows  attacks  accuracy  precision  recall      F1     MCC"
        "  ROC-AUC  PR-AUC     FPR  FA/h (95 %)",
        "-- all files",
        "gat                          100       50    1.0000     1.0000  1.0000  1.0000  1.0000"
        "   1.0000  1.0000  0.0000   0.0 (<6.0)",
        "position_only (control)      100       50    0.7500     1.0000  0.5000  0.6667  0.5774"
        "   0.7500  0.8333  0.0000   0.0 (<6.0)",
        "-- DoS-kia",
        "gat                          100       50    1.0000     1.0000  1.0000  1.0000  1.0000"
        "   1.0000  1.0000  0.0000   0.0 (<6.0)",
        "id_lookup (control)          n/a      n/a       n/a        n/a     n/a     n/a     n/a"
        "      n/a     n/a     n/a          n/a",
        "",
        "test_01_known_vehicle_known_attack: no control beats the trained models: "
        "F1 position_only 0.6667, gat 1.0000; ROC-AUC position_only 0.7500, gat 1.0000",
    ]


def test_a_control_that_wins_is_named():
    trees = row("boosted_trees", GOOD, kind="control")
    assert verdicts(report(row("gat", WORSE), row("vgae", WORSE), trees)) == [
        f"{SCENARIO}: a simple control beats the trained models: "
        "F1 boosted_trees 1.0000, gat 0.6667; ROC-AUC boosted_trees 1.0000, gat 0.7500"
    ]


def test_a_control_that_only_draws_level_does_not_win():
    trees = row("boosted_trees", GOOD, kind="control")
    assert "no control beats" in verdicts(report(row("gat", GOOD), trees))[0]


def test_a_scenario_without_labels_has_no_verdict():
    blank = EvaluationRow(
        scenario="test_05_suppress",
        file=None,
        scorer="gat",
        kind="model",
        threshold=THRESHOLD,
        metrics=undefined_metrics(40),
    )
    assert verdicts(report(blank)) == ["test_05_suppress: n/a (no model and control to compare)"]


def test_a_narrow_terminal_gets_the_columns_that_fit_and_hears_of_the_rest(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    narrow = Terminal()
    print_report(SMALL, narrow)
    text = narrow.getvalue()
    assert "also in evaluation.csv: accuracy" in text
    for title in ("windows", "attacks", "F1", "ROC-AUC", "FPR"):
        assert title in text
    assert "position_only (control)" in text
    monkeypatch.setenv("COLUMNS", "200")
    wide = Terminal()
    print_report(SMALL, wide)
    assert "also in" not in wide.getvalue() and "accuracy" in wide.getvalue()


def test_a_pipe_gets_plain_text():
    pipe = io.StringIO()
    print_report(SMALL, pipe)
    assert pipe.getvalue() == render_report(SMALL)


def with_alarms(alarms):
    return report(*(replace(row, alarms=alarms) for row in SMALL.rows))


def test_the_alarm_stage_has_a_block_of_its_own_for_all_files():
    lines = render_report(with_alarms(FOUND)).splitlines()
    at = lines.index("-- all files, with the alarm stage on (each file: evaluation.csv)")
    assert lines[at + 1 : at + 5] == [
        "scorer                   alarm  notice  delay s (p95)  alarms/h (95 %)  notices/h"
        "  FPR before, after  recall thirds 1, 3",
        "gat                        6/8     8/8    0.17 (1.70)    42.6 (<202.1)    1,085.2"
        "     0.0000 4.0e-05          1.0000 n/a",
        "position_only (control)    6/8     8/8    0.17 (1.70)    42.6 (<202.1)    1,085.2"
        "     0.0000 4.0e-05          1.0000 n/a",
        "",
    ]
    assert max(map(len, lines[at : at + 4])) <= 120


def test_the_alarm_block_leaves_the_table_of_windows_as_it_is():
    plain = render_report(SMALL).splitlines()
    assert render_report(with_alarms(FOUND)).splitlines()[:7] == plain[:7]


def test_where_nothing_is_known_of_alarms_there_is_no_block():
    assert render_report(with_alarms(UNDEFINED_ALARMS)) == render_report(SMALL)


def test_a_terminal_gets_the_alarm_block_too(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    print_report(with_alarms(FOUND), terminal)
    assert "alarm stage on" in terminal.getvalue() and "0.17 (1.70)" in terminal.getvalue()
