"""A plan on this machine is watched, cancelled and resumed by its id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate
from tests.in_process import can_train

PLAN = (
    "pipeline --modality automotive --dataset synthetic --model vgae,gat --model-size student "
    "--training-strategy autoencoder,curriculum --epochs 40,2 --patience 100 --threads 1"
).split()


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", *words],
        env={**os.environ, "CAN_TRAIN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(home: Path, *words: str) -> tuple[int, str, str]:
    done = can_train(home, *words)
    return done.code, done.out, done.err


def rows(home: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(call(home, "status", "--json")[1])
    return found


@pytest.mark.slow
def test_a_cancelled_plan_is_resumed(tmp_path: Path) -> None:
    generate(tmp_path / "csv", seed=1, scale=0.3)
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="synthetic", data_root=tmp_path / "data",
            source=tmp_path / "csv",
        )
    )  # fmt: skip
    launcher = start(tmp_path, *PLAN)
    deadline = time.monotonic() + 120
    while not (found := rows(tmp_path)) or not found[0]["epoch"]:
        assert time.monotonic() < deadline and launcher.poll() is None
        time.sleep(0.2)
    (plan,) = (tmp_path / "experimentruns" / "plans").glob("*/plan.json")
    code, said, err = call(tmp_path, "cancel", plan.parent.name)
    assert code == 0, err
    assert said.count("cancelled: stage ") == 2
    launcher.communicate(timeout=60)
    assert launcher.returncode == 130
    first, second = rows(tmp_path)
    assert (first["state"], first["reason"]) == ("cancelled", "stopped by the user")
    assert (second["state"], second["reason"]) == ("blocked", "the plan was cancelled")
    assert call(tmp_path, "status")[0] == 1
    assert call(tmp_path, "cancel", plan.parent.name)[1] == "nothing works on it\n"

    code, _, err = call(tmp_path, "logs", str(first["run_id"]))
    assert code == 0, err
    code, _, err = call(tmp_path, "resume", plan.parent.name, "--memory", "2G")
    assert code == 2 and "--memory: has no effect with --local. Use: --submit --memory" in err
    code, said, err = call(tmp_path, "resume", plan.parent.name)
    assert code == 0, err
    first, second = rows(tmp_path)
    assert first["state"] == second["state"] == "finished"
    assert (Path(str(second["run_dir"])) / "evaluation.json").is_file()
    _, log, _ = call(tmp_path, "logs", str(first["run_id"]))
    assert "resuming after epoch" in log and log.count("job: none; node: ") == 2
    code, _, err = call(tmp_path, "resume", "nosuch")
    assert code == 3 and "no plan nosuch under" in err
