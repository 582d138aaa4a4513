"""The evaluation as tables on a terminal and elsewhere."""

import io
import re
from dataclasses import replace

import pytest

from can_train.evaluation.alarms import UNDEFINED_ALARMS
from can_train.evaluation.compact import LEGEND
from can_train.evaluation.table import print_report
from tests.unit.evaluation.reports_for_tests import (
    FOUND,
    GOOD,
    SCENARIO,
    SMALL,
    WORSE,
    report,
    row,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(of, *, full=False, stream=None):
    stream = stream or io.StringIO()
    print_report(of, stream, full=full)
    return re.sub("\x1b\\[[0-9;]*m", "", stream.getvalue()).splitlines()


def test_by_default_models_stand_beside_the_best_control():
    assert shown(SMALL) == [
        "hcrl_sa, run 0123abcd",
        "scenario, scorer           ROC-AUC      F1  recall     FPR  FA/h",
        SCENARIO,
        "  gat                       1.0000  1.0000  1.0000  0.0000   0.0",
        "  position_only (control)   0.7500  0.6667  0.5000  0.0000   0.0",
        LEGEND,
        "thresholds from 1,200 benign windows: gat 0.5",
        "models lead in test_01",
    ]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_compact_table_fits_every_terminal(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    scenario = "test_04_unknown_vehicle_unknown_attack"
    control = row("logistic_regression", GOOD, scenario=scenario, kind="control")
    long = report(row("vehicle_profile", WORSE, scenario=scenario), control)
    lines = shown(long, stream=Terminal())
    assert max(map(len, lines)) <= width
    assert lines[2] == scenario
    assert lines[1].split()[-5:] == ["ROC-AUC", "F1", "recall", "FPR", "FA/h"]
    assert "run 0123abcd" in lines[0]


def test_the_full_form_is_this_text():
    assert shown(SMALL, full=True) == [
        "hcrl_sa / test_01_known_vehicle_known_attack",
        "scorer                   windows  attacks  accuracy  precision  recall      F1     MCC"
        "  ROC-AUC  PR-AUC     FPR  FA/h (95 %)",
        "-- all files",
        "gat                          100       50    1.0000     1.0000  1.0000  1.0000  1.0000"
        "   1.0000  1.0000  0.0000   0.0 (<6.0)",
        "position_only (control)      100       50    0.7500     1.0000  0.5000  0.6667  0.5774"
        "   0.7500  0.8333  0.0000   0.0 (<6.0)",
        "",
        "test_01_known_vehicle_known_attack: no control beats the trained models: "
        "F1 position_only 0.6667, gat 1.0000; ROC-AUC position_only 0.7500, gat 1.0000",
    ]


def test_files_are_shown_where_a_scenario_has_several():
    two = report(*SMALL.rows, row("gat", WORSE, file="DoS-sonata"))
    titles = [line for line in shown(two, full=True) if line.startswith("--")]
    assert titles == ["-- all files", "-- DoS-kia", "-- DoS-sonata"]


def test_a_narrow_terminal_gets_the_columns_that_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    narrow = shown(SMALL, full=True, stream=Terminal())
    assert max(map(len, narrow)) <= 80
    assert narrow[1].split()[:6] == ["scorer", "windows", "attacks", "F1", "ROC-AUC", "FPR"]
    whole = shown(SMALL, full=True)
    assert "accuracy" in whole[1] and not any("no room" in line for line in whole)
    told = " ".join(" ".join(narrow).partition("no room")[2].split())
    assert "are in evaluation.csv and in what --json" in told
    columns = set(re.split(r"  +", whole[1]))
    named = {title.strip() for title in told.rpartition(": ")[2].split(", ")}
    assert named == columns - set(re.split(r"  +", narrow[1]))


def with_alarms(alarms):
    return report(*(replace(row, alarms=alarms) for row in SMALL.rows))


def test_the_alarm_stage_has_a_block_of_its_own_for_all_files():
    lines = shown(with_alarms(FOUND), full=True)
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
    assert shown(with_alarms(FOUND), full=True)[:5] == shown(SMALL, full=True)[:5]


def test_where_nothing_is_known_of_alarms_there_is_no_block():
    assert shown(with_alarms(UNDEFINED_ALARMS), full=True) == shown(SMALL, full=True)
