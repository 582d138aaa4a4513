"""An executor that lies outside of the package runs a real plan, which is evaluated and shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.synth import generate

PLUGIN = Path(__file__).resolve().parents[1] / "plugins" / "toy_executor.py"
PLAN = (
    "pipeline --modality automotive --dataset synthetic --model gat --model-size student "
    "--training-strategy normal --epochs 1 --threads 1 --executor toy --toy-note here"
).split()


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "can_train", *words],
        env={**os.environ, "CAN_TRAIN_HOME": str(home), "CAN_TRAIN_PLUGINS": str(PLUGIN)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.slow
def test_a_plan_in_the_hands_of_a_plugin(tmp_path: Path) -> None:
    generate(tmp_path / "csv", seed=1, scale=0.3)
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="synthetic", data_root=tmp_path / "data",
            source=tmp_path / "csv",
        )
    )  # fmt: skip
    done = call(tmp_path, *PLAN)
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / "experimentruns" / "plans").glob("*/toy.log")
    assert log.read_text() == "stage 1 (gat student, normal, no-kd): 0 here\n"
    (row,) = json.loads(call(tmp_path, "status", "--json").stdout)
    assert (row["state"], row["toy_job"], row["slurm_job"]) == ("finished", "job1", None)
    assert (Path(row["run_dir"]) / "evaluation.json").is_file()
    assert "job: Toy job job1, start 0; node: " in done.stderr
