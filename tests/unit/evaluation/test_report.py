"""`evaluation.json` and `evaluation.csv`: full precision, and strict when they are read."""

import csv
import hashlib
import io
import json
from dataclasses import replace

import pytest

from can_train.errors import ArtifactError
from can_train.evaluation.alarms import ALARM_METRIC_NAMES
from can_train.evaluation.bootstrap import BootstrapIntervals
from can_train.evaluation.metrics import METRIC_NAMES
from can_train.evaluation.report import load_report, report_csv, report_json, write_report
from tests.unit.evaluation.reports_for_tests import FOUND, SMALL, report


def test_json_restores_the_same_report(tmp_path):
    json_path, *_ = write_report(SMALL, tmp_path)
    assert load_report(json_path) == SMALL
    assert json_path.read_text() == report_json(SMALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evaluation.csv",
        "evaluation.json",
        "latency.json",
    ]


def test_figures_of_before_are_kept_and_told_and_the_same_ones_are_not(tmp_path, caplog):
    json_path, csv_path, latency = write_report(SMALL, tmp_path)
    first, table = json_path.read_bytes(), csv_path.read_bytes()
    write_report(replace(SMALL, latency_ms={"gat": (9.0, 9.5)}), tmp_path)
    assert (json_path.read_bytes(), caplog.messages) == (first, [])
    assert json.loads(latency.read_text())["latency_ms"] == {"gat": [9.0, 9.5]}
    write_report(replace(SMALL, settings={"seed": 1}), tmp_path)
    kept = f"evaluation.{hashlib.sha256(first).hexdigest()[:12]}"
    assert (tmp_path / f"{kept}.json").read_bytes() == first
    assert (tmp_path / f"{kept}.csv").read_bytes() == table
    assert f"kept as {kept}.json" in caplog.text


def test_a_changed_figure_is_refused_and_one_without_a_hash_is_read(tmp_path):
    json_path, *_ = write_report(SMALL, tmp_path)
    document = json.loads(json_path.read_text())
    document["rows"][0]["metrics"]["roc_auc"] = 0.5
    json_path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=r"evaluation.json: changed since it was written"):
        load_report(json_path)
    del document["sha256"]
    json_path.write_text(json.dumps(document))
    metrics = load_report(json_path).rows[0].metrics
    assert metrics is not None and metrics.roc_auc == 0.5


def test_it_says_which_model_file_it_is_of():
    found = replace(SMALL, settings={"gat_sha256": "a"})
    assert (found.is_of("gat", "a"), found.is_of("gat", "b")) == (True, False)
    assert SMALL.is_of("gat", "b")  # of before


def test_json_holds_thresholds_with_their_origin_and_the_runs():
    document = json.loads(report_json(SMALL))
    assert document["rows"][0]["threshold"] == {
        "value": 0.5,
        "target_fpr": 0.001,
        "benign_windows": 1200,
        "exact": True,
        "rule": "real",
        "real_value": 0.5,
        "robust_value": None,
        "relief": 0.0,
        "level": None,
    }
    assert (document["run_id"], document["runs"]) == ("0123abcd", {"gat": "0123abcd"})


def test_csv_has_one_line_per_row_in_full_precision():
    lines = list(csv.DictReader(io.StringIO(report_csv(SMALL))))
    assert [(x["file"], x["scorer"], x["kind"], x["run_id"]) for x in lines] == [
        ("", "gat", "model", "0123abcd"),
        ("", "position_only", "control", ""),
        ("DoS-kia", "gat", "model", "0123abcd"),
        ("DoS-kia", "id_lookup", "control", ""),
    ]
    metrics = SMALL.rows[1].metrics
    assert metrics is not None
    assert float(lines[1]["mcc"]) == metrics.mcc
    assert {lines[3][name] for name in METRIC_NAMES} == {"n/a"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema_version=9), "schema version 9, this version reads 2"),
        (lambda d: d.update(schema_version=1), "version 1, this version reads 2. Evaluate the run"),
        (lambda d: d["rows"][0].pop("alarms"), "not an evaluation"),
        (lambda d: d["rows"][0].update(kind="alien"), "not an evaluation \\(kind 'alien'\\)"),
        (lambda d: d["rows"][0].pop("scorer"), "not an evaluation"),
        (lambda d: d["rows"][0]["metrics"].update(extra=1), "not an evaluation"),
    ],
)
def test_another_document_is_refused(tmp_path, change, message):
    document = json.loads(report_json(SMALL))
    change(document)
    document.pop("sha256")
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=message):
        load_report(path)


def test_a_missing_evaluation_says_how_to_make_one(tmp_path):
    with pytest.raises(ArtifactError, match="Evaluate the run again: can-train evaluate RUN"):
        load_report(tmp_path / "evaluation.json")


def test_intervals_survive_json(tmp_path):
    json_path, *_ = write_report(SMALL, tmp_path)
    intervals = load_report(json_path).rows[2].intervals
    assert intervals == BootstrapIntervals(roc_auc=(1.0, 1.0), f1=(1.0, 1.0))


def test_figures_of_alarms_survive_json_and_stand_in_the_csv(tmp_path):
    found = report(*(replace(row, alarms=FOUND) for row in SMALL.rows[:1]), *SMALL.rows[1:])
    json_path, csv_path, _ = write_report(found, tmp_path)
    assert load_report(json_path) == found
    lines = list(csv.DictReader(io.StringIO(csv_path.read_text())))
    assert lines[0]["found_by_alarm"] == "6" and lines[0]["recall_last_third"] == "n/a"
    assert float(lines[0]["delay_p95_s"]) == FOUND.delay_p95_s
    assert {lines[1][name] for name in ALARM_METRIC_NAMES} == {"n/a"}
