"""Following a run: until it is over, whatever becomes of MLflow."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.errors import ArtifactError
from can_train.runs.job_views import WorkerJob
from can_train.runs.layout import frozen_configs, mirror_log, run_log
from can_train.runs.passed_on import MLFLOW, MLFLOW_URI
from can_train.runs.process import this_process
from can_train.runs.state import RunStatus, write_status
from can_train.tracking import follow
from can_train.tracking.mirror import Mirror
from can_train.tracking.record import TrackedRun, tracked_run
from can_train.tracking.store import store_uri
from tests.lab import Lab

mirrors = pytest.mark.mlflow


def ended_pipe() -> Any:
    reading, writing = os.pipe()
    os.close(writing)
    return os.fdopen(reading, "rb")


def test_nothing_is_started_where_mlflow_is_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MLFLOW, "off")
    monkeypatch.setattr(follow, "_start", lambda *_: pytest.fail("started"))
    follow.mirror_once(tmp_path, tmp_path)


@mirrors
def test_a_mirror_that_can_not_be_used_is_told_once_and_given_up_after_the_run(
    lab: Lab,
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(MLFLOW_URI, "http://127.0.0.1:9")
    monkeypatch.setattr(follow, "RETRY_S", 0.01)
    monkeypatch.setattr(follow, "LAST_S", 0.02)
    with caplog.at_level(logging.WARNING), ended_pipe() as over:
        assert follow.follow([trained], lab.experiments, over) == 3
    (said,) = [r.getMessage() for r in caplog.records]
    assert said.startswith("MLflow at http://127.0.0.1:9: ")
    assert (
        f"Training goes on; bring the records over later: can-train mlflow sync {trained.name}"
        in said
    )


@mirrors
def test_what_a_killed_worker_left_is_mirrored_up_to_its_last_event(
    trained: Path, mirrored_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MLFLOW_URI, store_uri(mirrored_root, {}))
    whole = run_log(trained).read_bytes()
    run_log(trained).write_bytes(whole + b'{"time": 1.0, "event": "epo')
    with ended_pipe() as over:
        assert follow.follow([trained], mirrored_root, over) == 0
    run_log(trained).write_bytes(whole)
    client: Any = Mirror(store_uri(mirrored_root), mirrored_root).client
    ids = [each.experiment_id for each in client.search_experiments()]
    (entry,) = client.search_runs(ids, f"tags.run_dir = '{trained}'")
    found = {
        (name, metric.step): metric.value
        for name in entry.data.metrics
        for metric in client.get_metric_history(entry.info.run_id, name)
    }
    told = tracked_run(trained)
    assert told is not None and len(told.figures) > 20
    assert found == {(f.name, f.step or 0): f.value for f in told.figures}


@mirrors
def test_the_process_steps_back_and_ends_with_the_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MLFLOW, "")
    run = lab.frozen(lab.config("gat", seed=9)).parent.parent  # has told nothing yet
    with follow.Mirroring([run], lab.experiments) as process:
        assert process is not None and process.poll() is None
        assert os.getsid(process.pid) == process.pid  # no signal to the worker's group reaches it
        nice = os.getpriority(os.PRIO_PROCESS, process.pid)
        assert nice == min(19, os.getpriority(os.PRIO_PROCESS, 0) + follow.NICE)
    assert process.wait() == 0


def test_workers_of_a_plan_that_is_mirrored_as_a_whole_start_no_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[Path]] = []
    monkeypatch.setattr(follow, "_start", lambda runs, root: started.append(runs))
    monkeypatch.setattr(follow, "is_wanted", lambda: os.environ.get(MLFLOW) != "off")
    monkeypatch.delenv(MLFLOW, raising=False)
    runs = [tmp_path / "one", tmp_path / "other"]
    with follow.mirroring_together(runs, tmp_path):
        assert os.environ[MLFLOW] == "off"
        follow.mirror_once(runs[0], tmp_path)
    assert started == [runs]
    assert MLFLOW not in os.environ
    monkeypatch.setenv(MLFLOW, "off")
    with pytest.raises(KeyError), follow.mirroring_together(runs, tmp_path):
        raise KeyError
    assert started == [runs]
    assert os.environ[MLFLOW] == "off"


@mirrors
def test_runs_that_go_on_after_their_launcher_was_killed_are_followed_to_their_end(
    trained: Path, mirrored_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MLFLOW_URI, store_uri(mirrored_root, {}))
    states = ["running", "running", "finished"]
    brought: list[Path] = []
    monkeypatch.setattr(follow, "_state", lambda run: states.pop(0))
    monkeypatch.setattr(follow, "_bring", lambda mirror, runs, known: brought.extend(runs))
    monkeypatch.setattr(follow, "POLL_S", 0.01)
    with ended_pipe() as over:
        assert follow.follow([trained], mirrored_root, over) == 0
    assert brought == [trained] * 3


@mirrors
def test_a_record_that_has_not_changed_is_not_brought_over_again(
    trained: Path, mirrored_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(store_uri(mirrored_root, {}), mirrored_root)
    known: dict[Path, TrackedRun] = {}
    told: list[str] = []
    monkeypatch.setattr(Mirror, "bring", lambda self, record: told.append(record.key))
    for _ in range(2):
        follow._bring(mirror, [trained, trained.parent / "not_there"], known)
    assert len(told) == 1


@mirrors
def test_who_reads_a_pipe_does_not_wait_for_the_mirror(
    lab: Lab, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys, pathlib, can_train.tracking.follow as f\n"
        "f.mirror_once(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    monkeypatch.setenv(MLFLOW, "")
    monkeypatch.setenv(MLFLOW_URI, "http://127.0.0.1:9")  # tried for a minute
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, str(trained), str(lab.experiments)],
        capture_output=True,
        check=True,
    )
    assert time.monotonic() - began < follow.LAST_S / 2
    assert not done.stderr
    deadline = time.monotonic() + 2 * follow.LAST_S
    while "MLflow at http://127.0.0.1:9" not in mirror_log(trained).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_damaged_run_keeps_no_other_one_back(
    lab: Lab, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / trained.name
    shutil.copytree(trained, damaged)
    frozen_configs(damaged)[0].write_text("{", encoding="utf-8")
    brought: dict[Path, TrackedRun] = {}

    class Taking:
        def bring(self, record: TrackedRun) -> None:
            pass

    with pytest.raises(ArtifactError):
        follow._bring(Taking(), [damaged, trained], brought)  # type: ignore[arg-type]
    assert list(brought) == [trained]


def test_the_mirror_of_a_job_does_not_wait_for_the_end_of_the_job_it_is_a_part_of(
    tmp_path: Path,
) -> None:
    here, in_job = tmp_path / "here", tmp_path / "in_job"
    job = WorkerJob(executor="slurm", job_id="54")
    for run, process in (
        (here, this_process()),
        (in_job, replace(this_process(), job=job)),
    ):
        run.mkdir()
        write_status(run, RunStatus(state="running", process=process))
    assert follow._state(here) == "running"
    assert follow._state(in_job) is None
