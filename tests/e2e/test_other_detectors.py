"""Detectors of others beside a trained run: rows, thresholds, records, and faults."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from can_train.evaluation.report import EvaluationRow, load_report
from can_train.runs.layout import evaluation_path
from can_train.runs.state import end_running
from tests.in_process import Done, can_train
from tests.lab import Lab

BOTH = ("--detector", "interval-rule,isolation-forest")
NAMES = ["interval-rule", "isolation-forest"]

FAILS = """
class Fails:
    def fit(self, recordings): pass
    def score(self, recording): return recording.label
"""


@pytest.fixture(scope="module")
def run(lab: Lab) -> Path:
    folder = lab.train(lab.config("gat"))
    end_running(folder, "finished")
    return folder


def evaluate(lab: Lab, run: Path, *words: str) -> Done:
    return can_train(lab.home, "evaluate", str(run), "--data-root", str(lab.data_root), *words)


def rows_of(run: Path, *kinds: str) -> list[EvaluationRow]:
    return [row for row in load_report(evaluation_path(run)).rows if row.kind in kinds]


def test_they_have_rows_with_thresholds_alarms_and_intervals(lab: Lab, run: Path) -> None:
    assert evaluate(lab, run).code == 0
    plain = load_report(evaluation_path(run))
    done = evaluate(lab, run, *BOTH)
    assert done.code == 0, done.err
    report = load_report(evaluation_path(run))
    assert [row for row in report.rows if row.kind != "other"] == list(plain.rows)
    others = rows_of(run, "other")
    assert {(r.scenario, r.file) for r in others} == {(r.scenario, r.file) for r in plain.rows}
    calibrated = {r.threshold.benign_windows for r in report.rows if r.threshold and
                  r.scorer in {*NAMES, "inter_arrival"}}  # fmt: skip
    assert len(calibrated) == 1
    for row in others:
        assert row.threshold is not None and row.threshold.target_fpr == 0.001
        assert row.metrics is not None and row.alarms is not None
        same = next(r for r in plain.rows if (r.scenario, r.file) == (row.scenario, row.file))
        assert same.metrics is not None and row.metrics.windows == same.metrics.windows
        assert (row.intervals is None) == (row.file is None or not row.metrics.attacks)
    dos = {r.scorer: r.metrics.roc_auc for r in others if r.file == "DoS-bravo" and r.metrics}
    assert list(dos) == NAMES and all(isinstance(auc, float) for auc in dos.values())
    assert max(filter(None, dos.values())) > 0.9, dos  # a flood is what both are for
    assert list(report.detectors) == NAMES
    assert all(len(each.sha256) == 64 for each in report.detectors.values())
    for name in NAMES:
        assert f"{name} (other)" in done.out
    assert not list(run.glob("evaluation.*.json"))  # nothing of the first one is lost
    csv = evaluation_path(run).with_suffix(".csv").read_text()
    assert ",interval-rule,other,," in csv


def test_the_same_again_gives_the_same_bytes_and_without_them_they_are_kept(
    lab: Lab, run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert evaluate(lab, run, *BOTH).code == 0
    first = evaluation_path(run).read_bytes()
    assert evaluate(lab, run, "--detector", NAMES[0], "--detector", NAMES[1]).code == 0
    assert evaluation_path(run).read_bytes() == first
    done = evaluate(lab, run)
    assert done.code == 0
    assert "no --detector interval-rule,isolation-forest this time" in caplog.text
    assert rows_of(run, "other") == []
    (kept,) = evaluation_path(run).parent.glob("evaluation.*.json")
    assert kept.read_bytes() == first
    assert "detectors" not in json.loads(evaluation_path(run).read_text())


def test_one_of_the_current_folder_that_fails_leaves_everything_as_it_was(
    lab: Lab, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fails.py").write_text(FAILS)
    monkeypatch.chdir(tmp_path)
    assert evaluate(lab, run).code == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for word in ("fails:Fails", "fails.py:Fails"):
        done = evaluate(lab, run, "--detector", word)
        assert done.code == 1
        last = done.err.splitlines()[-1]
        assert last.startswith("detector Fails, score: ")
        assert "AttributeError: 'UnlabelledRecording' object has no attribute 'label'" in last
        assert "(fails.py:4)" in last
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    done = evaluate(lab, run, "--detector", "gat:Gat")
    assert (done.code, "--detector gat:Gat: gat can't be loaded" in done.err) == (2, True)


def test_recordings_that_were_never_imported_have_their_rows_too(lab: Lab, run: Path) -> None:
    folder = lab.home / "csv" / lab.dataset / "test_04_unknown_vehicle_unknown_attack"
    done = evaluate(lab, run, *BOTH, "--recordings", str(folder), "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["rows"]
    outside = [row for row in rows if row["scenario"].startswith("recordings/")]
    inside = [row for row in rows if row["scenario"].startswith("test_04")]
    for name in NAMES:
        figures = {row["file"]: row["metrics"] for row in outside if row["scorer"] == name}
        assert figures == {r["file"]: r["metrics"] for r in inside if r["scorer"] == name}


def test_a_dataset_alone_is_enough(lab: Lab, tmp_path: Path) -> None:
    words = ("evaluate", lab.dataset, "--modality", "automotive", "--data-root")
    done = can_train(lab.home, *words, str(lab.data_root), *BOTH, "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    assert done.out.startswith(f"{lab.dataset}, no run\n")
    report = load_report(tmp_path / "out" / "evaluation.json")
    assert {row.kind for row in report.rows} == {"other", "control"}
    assert report.settings["window"] == 100 and report.run_id == ""
    done = can_train(lab.home, *words, str(lab.data_root))
    assert (done.code, "Add --detector NAME" in done.err) == (2, True)
    done = can_train(lab.home, *words, str(lab.data_root), *BOTH, "--recordings", str(tmp_path))
    assert (done.code, "--recordings: only for a run" in done.err) == (2, True)


def test_compare_evaluates_what_lacks_a_detector_and_shows_it(lab: Lab, run: Path) -> None:
    assert evaluate(lab, run).code == 0
    words = ("compare", str(run), "--experiment-root", str(lab.experiments))
    done = can_train(lab.home, *words, "--detector", "interval-rule")
    assert (done.code, "Add --evaluate" in done.err) == (2, True)
    for evaluations in (1, 0):
        again = (*words, "--evaluate", "--detector", "interval-rule")
        done = can_train(lab.home, *again, "--data-root", str(lab.data_root), "--files")
        assert done.code == 0, done.err
        assert done.err.count("evaluating run") == evaluations
        assert "interval-rule (other)" in done.out and "\ninterval-rule +  " in done.out
    assert "CAN_TRAIN_DETECTORS" not in os.environ
