"""A killed stage: seen as failed, nothing after it starts, and resuming changes no weight."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from can_train.detectors.artifact import load_detector
from can_train.runs.layout import iter_runs
from can_train.runs.state import read_status
from tests.in_process import train_here

PIPELINE = (
    "pipeline --modality automotive --dataset synthetic --model vgae,gat --model-size student "
    "--training-strategy autoencoder,curriculum --epochs 6,2 --threads 1"
).split()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, root = tmp_path_factory.mktemp("csv"), tmp_path_factory.mktemp("data")
    generate(source, seed=1, scale=0.3)
    prepare_dataset(
        PrepareRequest(modality="automotive", dataset="synthetic", data_root=root, source=source)
    )
    return root


def command(arguments: Sequence[str], data: Path, experiments: Path) -> list[str]:
    roots = ["--data-root", str(data), "--experiment-root", str(experiments)]
    if arguments[0] == "pipeline":
        roots += ["--teacher-root", str(experiments / "teachers")]
    else:
        roots = roots[2:]
    return [sys.executable, "-m", "can_train", *arguments, *roots]


def run_of(experiments: Path, model: str) -> Path | None:
    found = [r for r in iter_runs(experiments) if f"/{model}/" in str(r)]
    return found[0] if found else None


def wait_for_epoch(experiments: Path, model: str, epoch: int) -> int:
    """Process id of the stage once it has finished `epoch` epochs."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = run_of(experiments, model)
        status = read_status(run) if run and (run / "status.json").exists() else None
        if status and status.process and status.epoch >= epoch:
            return status.process.pid
        time.sleep(0.02)
    raise AssertionError(f"{model} didn't reach epoch {epoch}")


@pytest.mark.slow
def test_killed_stage_fails_the_plan_and_resumes_to_the_same_weights(
    data: Path, tmp_path: Path
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        command(PIPELINE, data, killed), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    os.kill(wait_for_epoch(killed, "vgae", 2), signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    gat = run_of(killed, "gat")
    assert gat is None or not (gat / "logs" / "run.jsonl").exists()
    shown = subprocess.run(
        command(["status"], data, killed), capture_output=True, text=True, check=False
    )
    assert shown.returncode == 1
    assert "failed" in shown.stdout
    assert "SIGKILL" in shown.stdout + output

    again = subprocess.run(
        command(PIPELINE, data, killed), capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    vgae = run_of(killed, "vgae")
    assert vgae is not None
    lines = (vgae / "logs" / "run.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    resumed = [e for e in events if e["event"] == "resume"]
    # The kill may land between the report of epoch 2 and its checkpoint.
    assert len(resumed) == 1 and resumed[0]["epochs_done"] >= 1
    assert subprocess.run(command(["status"], data, killed), check=False).returncode == 0

    train_here(tmp_path, *command(PIPELINE, data, whole)[3:])
    for model in ("vgae", "gat"):
        a, b = (run_of(root, model) for root in (killed, whole))
        assert a is not None and b is not None and a.name == b.name
        path = f"models/{model}_student.pth"
        first, second = load_detector(a / path), load_detector(b / path)
        assert first.threshold == second.threshold
        weights = second.network.state_dict()
        for name, value in first.network.state_dict().items():
            assert torch.equal(value, weights[name]), name
