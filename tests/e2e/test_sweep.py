"""A sweep that was killed is resumed: what finished stays, the rest is run, the best is chosen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from can_train.runs.layout import sweep_dir
from can_train.runs.state import read_status
from can_train.sweeps.manifest import Manifest, manifest_of
from tests.in_process import can_train
from tests.lab import Lab

SWEEP = (
    "sweep train --modality automotive --dataset small --model gat --model-size student "
    "--threads 1 --epochs 1 --window 50 --stride 50 --windows-per-side 60 --augment off "
    "--model-args layers=2,heads=2,hidden_channels=4,id_embedding=2,fc_channels=6x5 "
    "--grid learning_rate=0.001,0.003 --grid seed=1,2 --jobs 1"
).split()


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "can_train", *words],
        env={**os.environ, "CAN_TRAIN_HOME": str(home)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def call(home: Path, *words: str) -> tuple[int, str]:
    done = can_train(home, *words)
    return done.code, done.out + done.err


def states(root: Path, manifest: Manifest) -> list[str]:
    found = [read_status(root / config.runs[-1].run_dir) for config in manifest.configs]
    return ["none" if status is None else status.state for status in found]


def killed_in_the_second_run(launcher: subprocess.Popen[str], root: Path) -> Manifest:
    """Kills launcher and worker once the first combination has finished."""
    deadline = time.monotonic() + 300
    while True:
        assert time.monotonic() < deadline and launcher.poll() is None
        folders = list(root.glob("sweeps/*/manifest.json"))
        manifest = manifest_of(folders[0].parent) if folders else None
        if manifest is not None and states(root, manifest)[:2] == ["finished", "running"]:
            break
        time.sleep(0.05)
    launcher.kill()
    status = read_status(root / manifest.configs[1].runs[-1].run_dir)
    assert status is not None and status.process is not None
    os.kill(status.process.pid, signal.SIGKILL)
    launcher.communicate(timeout=60)
    return manifest


def test_a_killed_sweep_is_resumed_and_made_again_from_its_manifest(
    lab: Lab, tmp_path: Path
) -> None:
    data = ("--data-root", str(lab.data_root))
    root = tmp_path / "experimentruns"
    manifest = killed_in_the_second_run(start(tmp_path, *SWEEP, *data), root)
    assert (manifest.state, manifest.total_combinations) == ("running", 4)
    assert states(root, manifest) == ["finished", "running", "pending", "pending"]
    first = root / manifest.configs[0].runs[-1].run_dir
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}

    code, said = call(tmp_path, "sweep", "status", manifest.sweep_id)
    assert code == 1 and "1 of 4 combinations done" in said
    code, said = call(tmp_path, "sweep", "resume", manifest.sweep_id)
    assert code == 0, said
    assert (said.count("reused: "), said.count("finished: ")) == (1, 3)
    assert f"sweep {manifest.sweep_id}: finished, 4 of 4 combinations done" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert manifest_of(sweep_dir(root, manifest.sweep_id)).state == "finished"

    code, said = call(tmp_path, "sweep", "best", manifest.sweep_id, "--json")
    (best,) = json.loads(said)
    assert code == 0 and len(best["runs"]) == 2 and set(best["params"]) == {"learning_rate"}

    copy = tmp_path / "copy.json"
    copy.write_bytes((sweep_dir(root, manifest.sweep_id) / "manifest.json").read_bytes())
    elsewhere = tmp_path / "elsewhere"
    code, said = call(elsewhere, "sweep", "reproduce", str(copy), "--dry-run", *data)
    assert code == 0, said
    assert f"sweep {manifest.sweep_id}: 4 combinations, 4 runs" in said
    assert not elsewhere.exists()
