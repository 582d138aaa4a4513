"""All jobs of a plan or none, each once, whatever the cluster does meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.slurm.login import CLUSTER, COMMON, Login, account, cluster, slurm, until

CHAIN = ("pipeline", *COMMON, "--model", "vgae,gat,dqn", "--model-size", "student",
         "--epochs", "1")  # fmt: skip
FIVE = ("pipeline", *COMMON, "--model", "vgae,gat,dqn,gat,gat", "--model-size", "student",
        "--training-strategy", "autoencoder,curriculum,fusion,normal,normal",
        "--epochs", "1", "--seed", "0,0,0,1,2")  # fmt: skip


def site(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text)
    return path


def queue() -> list[str]:
    return slurm("squeue", "-h", "--me", "-o", "%A").split()


@pytest.mark.slurm
def test_a_stage_over_its_memory_ends_the_plan(login: Login, tmp_path: Path) -> None:
    profile = site(tmp_path, '[stage.vgae]\nmemory = "60M"\n')
    login.ok(*CHAIN, "--submit", "--site", str(profile))
    rows = login.until_done()
    assert [row["state"] for row in rows] == ["failed", "blocked", "blocked"]
    assert rows[0]["reason"] == "out of memory"
    assert not queue()
    for row in rows[1:]:
        assert account(row["slurm_job"])[0] == "CANCELLED"
        assert not list(Path(row["run_dir"]).glob("slurm_logs/*.err"))
    assert login.call("status", login.plan()).returncode == 1
    login.ok("resume", login.plan(), "--memory", "2G")
    assert [row["state"] for row in login.until_done()] == ["finished"] * 3


@pytest.mark.slurm
def test_one_refusal_leaves_nothing_behind(login: Login, tmp_path: Path) -> None:
    profile = site(tmp_path, '[stage.dqn]\nslurm_extra = "--reservation=nosuch"\n')
    done = login.call(*FIVE, "--submit", "--site", str(profile))
    assert done.returncode == 4
    assert "Requested reservation is invalid" in done.stderr
    assert "stage 3 (dqn" in done.stderr
    until(lambda: not queue(), 10)
    assert login.rows() == [] and login.runs() == []
    login.ok(*FIVE, "--submit")
    assert len(queue()) == 5
    login.ok("cancel", login.plan())


@pytest.mark.slurm
def test_the_same_plan_under_two_roots_and_again_after_a_cancel(
    login: Login, tmp_path: Path
) -> None:
    other = replace(login, experiments=tmp_path / "elsewhere")
    login.ok(*CHAIN, "--submit")
    other.ok(*CHAIN, "--submit")
    assert len(queue()) == 6
    other.ok("cancel", other.plan())
    login.ok("cancel", login.plan())
    login.ok(*CHAIN, "--submit")  # at once: Slurm may still be clearing the job that worked
    assert [row["state"] for row in login.until_done()] == ["finished"] * 3
    assert [row["state"] for row in other.rows()] == ["cancelled"] * 3


@pytest.fixture
def lossy_sbatch(tmp_path: Path) -> Iterator[Path]:
    """An sbatch whose first job gets through but whose answer is lost: the controller stops."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "sbatch"
    script.write_text(
        f"""#!/bin/bash
{shutil.which("sbatch")} "$@" || exit
[[ ! -e {folder}/stopped ]] || exit 0
touch {folder}/stopped
{CLUSTER} stop ctld
(sleep 8; {CLUSTER} start ctld) >/dev/null 2>&1 </dev/null &
echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2
exit 1
"""
    )
    script.chmod(0o755)
    yield folder
    cluster("start", "ctld")


@pytest.mark.slurm
def test_a_controller_that_stops_gets_every_job_once(login: Login, lossy_sbatch: Path) -> None:
    login.environ["PATH"] = f"{lossy_sbatch}:{os.environ['PATH']}"
    everything = ("squeue", "-h", "--me", "-t", "all", "-o", "%i %j")
    before = set(slurm(*everything).splitlines())  # of earlier tests: runs have the same ids
    login.ok(*CHAIN, "--submit")
    rows = login.rows()
    names = [line.split()[1] for line in set(slurm(*everything).splitlines()) - before]
    for row in rows:
        assert names.count(f"{row['model']}-{row['run_id']}") == 1
    assert [row["state"] for row in login.until_done()] == ["finished"] * 3


@pytest.mark.slurm
def test_a_killed_submission_is_cleaned_up_by_the_next_one(login: Login, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = folder / "sbatch"
    slow.write_text(f'#!/bin/bash\n{shutil.which("sbatch")} "$@"\nsleep 60\n')
    slow.chmod(0o755)
    path = os.environ["PATH"]
    login.environ["PATH"] = f"{folder}:{path}"
    process = login.start(*CHAIN, "--submit")
    until(lambda: len(queue()) == 1)
    (lost,) = queue()
    process.kill()
    process.communicate()
    login.environ["PATH"] = path
    login.ok(*CHAIN, "--submit")
    assert lost not in queue()
    assert account(lost)[0] == "CANCELLED by 0"
    assert [row["state"] for row in login.until_done()] == ["finished"] * 3


@pytest.mark.slurm
def test_status_is_right_without_accounting(login: Login, tmp_path: Path) -> None:
    cluster("stop", "dbd")
    try:
        profile = site(tmp_path, '[stage.vgae]\nmemory = "60M"\n')
        login.ok(*CHAIN, "--submit", "--site", str(profile))
        rows = login.until_done()
        assert [row["state"] for row in rows] == ["failed", "blocked", "blocked"]
        assert rows[0]["reason"] == "out of memory"
        shown = subprocess.run(["sacct"], capture_output=True, text=True, check=False)
        assert shown.returncode
        assert "warning: Slurm says: " in login.call("status").stderr
    finally:
        cluster("start", "dbd")
        time.sleep(1)  # the controller hands over what it kept
