"""A distilling run that is killed in mid-epoch resumes to the weights of an uninterrupted one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.lab import Lab

EPOCHS = 6


def events_of(run: Path, kind: str) -> list[dict[str, object]]:
    path = run / "logs" / "run.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def kill_in_epoch(frozen: Path, run: Path, epoch: int) -> None:
    """Starts the worker and kills it well inside `epoch` (counted from 0)."""
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", "run", "--frozen-config", str(frozen)],
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while len(events_of(run, "epoch")) < epoch and time.monotonic() < deadline:
        assert worker.poll() is None, "the worker ended by itself"
        time.sleep(0.005)
    time.sleep(0.1)  # the checkpoint is written, and some steps of the epoch are done
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_a_distilling_run_killed_in_mid_epoch_resumes_to_the_same_weights(
    model: str, lab: Lab
) -> None:
    config = lab.distilled(model, data=lab.data(windows_per_side=400))
    config = replace(config, training=replace(config.training, epochs=EPOCHS, batch_size=4))
    killed = lab.run_of(config, "-killed")
    kill_in_epoch(lab.frozen(config, "-killed"), killed, 2)
    epochs = len(events_of(killed, "epoch"))
    assert 2 <= epochs < EPOCHS
    assert not events_of(killed, "finished")
    lab.train(config, "-killed")
    resumed = events_of(killed, "resume")
    assert len(resumed) == 1
    assert resumed[0]["steps_done"] == 0  # nobody could save more than the last whole epoch
    whole = lab.train(config)
    first, second = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in (killed, whole)
    )
    assert first["module"].keys() == second["module"].keys()
    for name, value in first["module"].items():
        assert torch.equal(value, second["module"][name]), name
    assert ("projection.weight" in first["module"]) == (model == "vgae")
    tables = [(run / "logs" / "metrics.csv").read_text() for run in (killed, whole)]
    assert tables[0] == tables[1]
