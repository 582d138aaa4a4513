"""The block that closes a run: figures of its records, in its log and on the terminal."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.cli.closing import closing_lines
from can_train.cli.ending import ending
from can_train.cli.main import build_parser
from can_train.config.run_log import read_events
from can_train.evaluation.metrics import window_metrics
from can_train.evaluation.report import EvaluationReport, EvaluationRow, RowKind, write_report
from can_train.jobs.job import Job, JobOutcome, JobResult
from can_train.runs import typed_command
from can_train.runs.events import EpochResources
from can_train.runs.layout import IDENTITY_WORDS, artifact_path, run_log
from tests.lab import Lab

COMMAND = ("train", "--modality", "automotive", "--dataset", "small", "--model", "gat")


@pytest.fixture(scope="module")
def run(lab: Lab) -> Path:
    before, typed_command._Typed.words = typed_command._Typed.words, COMMAND
    try:
        return lab.train(lab.config("gat", seed=31))
    finally:
        typed_command._Typed.words = before


def test_it_tells_how_well_where_and_how_to_do_it_again(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    artifact = artifact_path(run, "gat", "student")
    lines = dict(line.split(": ", 1) for line in closing_lines(run))
    assert lines[f"run {run.name}"] == "gat student, normal"
    assert lines["validation"] == (
        f"accuracy {summary['validation_accuracy']:.4f}, F1 {summary['validation_f1']:.4f}, "
        f"loss {summary['best_val_loss']:.4g}"
    )
    assert lines["best"] == f"epoch {summary['best_epoch'] + 1} of 2, checkpoints/best.pt"
    assert lines["artifact"] == (
        f"{artifact} ({artifact.stat().st_size / 1000:,.1f} kB, "
        f"{summary['parameters']:,} parameters)"
    )
    events = [logged.event for logged in read_events(run)]
    peak = max(e.host_mib or 0.0 for e in events if isinstance(e, EpochResources))
    assert lines["cost"].startswith(f"{summary['seconds']} s, ")
    assert lines["cost"].endswith(f" windows/s, most memory {peak:,.0f} MiB, on the device n/a")
    again, _, folder = lines["again"].partition(" (in ")
    assert folder == f"{Path.cwd()})"
    words = shlex.split(again)
    assert words == ["can-train", *COMMAND, "--force"]
    assert vars(build_parser().parse_args(words[1:]))["force"]


def test_a_tiny_loss_is_not_shown_as_nothing(run: Path, tmp_path: Path) -> None:
    root = tmp_path / "experimentruns"
    copy = root / run.relative_to(run.parents[IDENTITY_WORDS])
    shutil.copytree(run, copy, symlinks=True)
    summary = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps({**summary, "best_val_loss": 5.119974e-06}))
    assert "loss 5.12e-06" in closing_lines(copy)[1]


def test_scenarios_are_the_runs_own_rows_once_it_is_evaluated(run: Path) -> None:
    assert not any(line.startswith("test_01") for line in closing_lines(run))
    metrics = window_metrics([0, 1, 1], [0.0, 1.0, 0.0], 0.5, benign_hours=1.0)
    kinds: tuple[tuple[str | None, str, RowKind], ...] = (
        (None, "gat", "model"), ("DoS", "gat", "model"), (None, "rate", "control"),
    )  # fmt: skip
    rows = [
        EvaluationRow(
            scenario="test_01", file=file, scorer=scorer, kind=kind, threshold=None, metrics=metrics
        )
        for file, scorer, kind in kinds
    ]
    rows.append(
        EvaluationRow(
            scenario="test_02", file=None, scorer="gat", kind="model", threshold=None, metrics=None
        )
    )
    report = EvaluationReport(
        modality="automotive", dataset="small", run_id=run.name, rows=tuple(rows)
    )
    paths = write_report(report, run)
    lines = [line for line in closing_lines(run) if line.startswith("test_")]
    for path in paths:
        path.unlink()
    assert lines == ["test_01: accuracy 0.6667, F1 0.6667", "test_02: accuracy n/a, F1 n/a"]


def test_the_terminal_shows_it_under_a_run_that_was_trained_alone(
    run: Path, tmp_path: Path
) -> None:
    """Those of a plan's runs stand in their logs: five of them would fill a screen."""
    job = Job(number=1, name="gat", title="stage 1", run_dir=run, frozen=run, depends_on=())
    block = [f"    {line}" for line in closing_lines(run)]
    outcomes: tuple[JobOutcome, ...] = ("finished", "reused")
    for outcome in outcomes:
        results = [JobResult(job=job, outcome=outcome)]
        lines = list(ending(results, tmp_path / "plans" / "f00d", tmp_path))
        assert [line for line in lines if line in block] == (block if outcome == "finished" else [])
    assert len(block) >= 6
    several = [JobResult(job=job, outcome="finished")] * 2
    assert not set(block) & set(ending(several, tmp_path / "plans" / "f00d", tmp_path))


def test_a_damaged_record_is_named_and_undoes_nothing(run: Path, tmp_path: Path) -> None:
    assert closing_lines(tmp_path) == []
    whole = run_log(run).read_bytes()
    run_log(run).write_bytes(b"nonsense\n")
    (line,) = closing_lines(run)
    run_log(run).write_bytes(whole)
    assert "run.jsonl:1: not an event" in line


def test_a_worker_logs_it_as_json_where_that_is_asked_for(lab: Lab) -> None:
    frozen = lab.frozen(lab.config("gat", seed=32))
    words = ["run", "--frozen-config", str(frozen), "--log-format", "json", "--no-mlflow"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "can_train", *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    records = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"time", "level", "message", "logger"} <= set(records[0])
    assert {record["level"] for record in records} <= {"info", "warning"}
    messages = [record["message"] for record in records]
    closing = closing_lines(frozen.parent.parent)
    assert len(closing) >= 6
    assert messages[-len(closing) :] == closing
    assert any(message.startswith("epoch 2/2 ") for message in messages)
