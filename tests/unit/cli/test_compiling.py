"""What the installation compiles: a chain that really runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.compiled import SOURCES, folder_for


@pytest.mark.slow
def test_a_small_chain_compiles_what_commands_need_and_leaves_nothing_else(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CAN_TRAIN_")}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "can_train.cli.compiling"],
        cwd=tmp_path,
        env={**kept, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 of 3 stages done" in done.stdout
    assert "per decision" in done.stdout  # of detect
    assert not list(temporary.glob("can-train-*"))
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]
    names = {path.name.partition("-")[0] for path in folder_for(SOURCES).rglob("*.nbc")}
    wanted = {
        "attention.gradients",
        "live.fill_window",
        "relational.fill_relational",
        "rewards.pull_behind",
        "window_fusion.fuse",
    }
    assert wanted <= names
