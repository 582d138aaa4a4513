"""Following a run: until it is over, whatever becomes of MLflow."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from can_train.config.run_log import read_events
from can_train.runs.events import EpochEnded
from can_train.runs.passed_on import MLFLOW, MLFLOW_URI
from can_train.tracking import follow
from can_train.tracking.mirror import Mirror
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
        assert follow.follow(trained, lab.experiments, over) == 3
    (said,) = [r.getMessage() for r in caplog.records if r.name == "can_train"]
    assert said.startswith("MLflow at http://127.0.0.1:9: ")
    assert (
        f"Training goes on; bring the records over later: can-train mlflow sync {trained.name}"
        in said
    )


@mirrors
@pytest.mark.slow
def test_a_worker_that_is_killed_is_mirrored_up_to_its_last_event(
    lab: Lab, mirrored_root: Path
) -> None:
    config = lab.config("gat", seed=6)
    frozen = lab.frozen(config)
    run = frozen.parent.parent
    uri = store_uri(mirrored_root, {})
    environment = {**os.environ, MLFLOW: "", MLFLOW_URI: uri}
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", "run", "--frozen-config", str(frozen)],
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    while not any(isinstance(e.event, EpochEnded) for e in read_events(run)):
        assert worker.poll() is None
        time.sleep(0.01)
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    told = {
        (name, e.event.epoch): value
        for e in read_events(run)
        if isinstance(e.event, EpochEnded)
        for name, value in e.event.figures.items()
    }
    client = Mirror(uri, mirrored_root).client
    experiments = [each.experiment_id for each in client.search_experiments()]
    found: dict[tuple[str, int], float] = {}
    while not told.items() <= found.items():
        time.sleep(0.2)
        for entry in client.search_runs(experiments, f"tags.run_dir = '{run}'"):
            for name in entry.data.metrics:
                history = client.get_metric_history(entry.info.run_id, name)
                found |= {(name, metric.step): metric.value for metric in history}
    assert told.items() <= found.items()
