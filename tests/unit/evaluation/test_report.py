import csv
import io
import json

import pytest

from can_train.detectors.calibration import Threshold
from can_train.errors import ArtifactError
from can_train.evaluation.bootstrap import BootstrapIntervals, block_bootstrap
from can_train.evaluation.metrics import METRIC_NAMES, undefined_metrics, window_metrics
from can_train.evaluation.report import (
    EvaluationReport,
    EvaluationRow,
    load_report,
    report_csv,
    report_json,
    write_report,
)
from can_train.evaluation.table import print_report, render_report, verdicts

LABEL = [1, 1, 0, 0] * 25
GOOD = [0.9, 0.7, 0.4, 0.1] * 25
WORSE = [0.9, 0.2, 0.4, 0.1] * 25
THRESHOLD = Threshold(value=0.5, target_fpr=0.001, benign_windows=1200, exact=True)
SCENARIO = "test_01_known_vehicle_known_attack"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def row(scorer, score, *, scenario=SCENARIO, file=None, kind="model"):
    return EvaluationRow(
        scenario=scenario,
        file=file,
        scorer=scorer,
        kind=kind,
        threshold=None if score is None else THRESHOLD,
        metrics=None if score is None else window_metrics(LABEL, score, 0.5, 0.5),
        intervals=None if score is None or file is None else block_bootstrap(LABEL, score, 0.5, 0),
    )


def report(*rows):
    return EvaluationReport(
        modality="automotive",
        dataset="hcrl_sa",
        run_id="0123abcd",
        rows=rows,
        runs={"gat": "0123abcd"},
        settings={"seed": 0, "window": 100},
        latency_ms={"gat": (1.5, 2.25)},
    )


SMALL = report(
    row("gat", GOOD),
    row("position_only", WORSE, kind="control"),
    row("gat", GOOD, file="DoS-kia"),
    row("id_lookup", None, file="DoS-kia", kind="control"),
)


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


def test_json_restores_the_same_report(tmp_path):
    json_path, _ = write_report(SMALL, tmp_path)
    assert load_report(json_path) == SMALL
    assert json_path.read_text() == report_json(SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evaluation.csv",
        "evaluation.json",
    ]


def test_json_holds_thresholds_with_their_origin_and_the_runs():
    document = json.loads(report_json(SMALL))
    assert document["rows"][0]["threshold"] == {
        "value": 0.5,
        "target_fpr": 0.001,
        "benign_windows": 1200,
        "exact": True,
    }
    assert document["threshold_rule"].startswith("conformal order statistic of benign")
    assert (document["run_id"], document["runs"]) == ("0123abcd", {"gat": "0123abcd"})


def test_csv_has_one_line_per_row_in_full_precision():
    lines = list(csv.DictReader(io.StringIO(report_csv(SMALL))))
    assert [(x["file"], x["scorer"], x["kind"], x["run_id"]) for x in lines] == [
        ("", "gat", "model", "0123abcd"),
        ("", "position_only", "control", ""),
        ("DoS-kia", "gat", "model", "0123abcd"),
        ("DoS-kia", "id_lookup", "control", ""),
    ]
    assert float(lines[1]["mcc"]) == SMALL.rows[1].metrics.mcc
    assert {lines[3][name] for name in METRIC_NAMES} == {"n/a"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema_version=9), "schema version 9, this version reads 1"),
        (lambda d: d["rows"][0].update(kind="other"), "not an evaluation \\(kind 'other'\\)"),
        (lambda d: d["rows"][0].pop("scorer"), "not an evaluation"),
        (lambda d: d["rows"][0]["metrics"].update(extra=1), "not an evaluation"),
    ],
)
def test_another_document_is_refused(tmp_path, change, message):
    document = json.loads(report_json(SMALL))
    change(document)
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=message):
        load_report(path)


def test_a_missing_evaluation_says_how_to_make_one(tmp_path):
    with pytest.raises(ArtifactError, match="Evaluate the run again: can-train evaluate RUN"):
        load_report(tmp_path / "evaluation.json")


def test_intervals_survive_json(tmp_path):
    json_path, _ = write_report(SMALL, tmp_path)
    intervals = load_report(json_path).rows[2].intervals
    assert intervals == BootstrapIntervals(roc_auc=(1.0, 1.0), f1=(1.0, 1.0))
