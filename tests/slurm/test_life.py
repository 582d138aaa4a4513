"""What clusters do to jobs, how `status` tells it, and that the weights don't notice."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.slurm.conftest import LONG
from tests.slurm.login import Login, account, cluster, slurm, until

MOST_WARNINGS = 6


def submitted(login: Login, *words: str) -> tuple[Path, str]:
    """Run and Slurm job of `LONG`, once it has trained some epochs."""
    login.ok(*LONG, "--submit", *words)
    (row,) = login.rows()
    run = login.run_of("gat")
    login.until_epoch(run, 3)
    return run, row["slurm_job"]


def resumed(run: Path) -> list[dict[str, int]]:
    """Where later attempts went on."""
    lines = (run / "logs" / "run.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "resume"]


def steps_done(run: Path) -> int:
    """Steps of its epoch that a run had done when it saved its position."""
    import torch

    saved = torch.load(run / "checkpoints" / "last.ckpt", map_location="cpu", weights_only=True)
    return int(saved["progress"]["step"])


def artifact(run: Path) -> bytes:
    return (run / "models" / "gat_student.pth").read_bytes()


@pytest.mark.slurm
def test_a_killed_worker(login: Login, whole: bytes) -> None:
    run, job = submitted(login)
    process = login.until_epoch(run, 3).process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("failed", "killed by SIGKILL")
    assert account(job, "ExitCode") == ["FAILED", "0:9"]
    assert "submitted: " in login.ok("resume", login.plan())
    (row,) = login.until_done()
    assert row["state"] == "finished" and row["slurm_job"] != job
    assert len(resumed(run)) == 1 and artifact(run) == whole


@pytest.mark.slurm
def test_a_cancelled_job(login: Login, whole: bytes) -> None:
    run, job = submitted(login)
    slurm("scancel", job)
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled by root")
    assert account(job)[0] == "CANCELLED by 0"
    login.ok("resume", login.plan())
    login.until_done()
    assert artifact(run) == whole


@pytest.mark.slurm
def test_a_time_limit_with_a_warning(login: Login, tmp_path: Path, whole: bytes) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text('[defaults]\nwalltime = "1"\n')
    login.ok(*LONG, "--submit", "--site", str(profile), "--max-requeues", "20")
    (row,) = login.rows()
    run = login.run_of("gat")
    for restarts in range(MOST_WARNINGS):  # one may come between two epochs
        login.until_epoch(run, restarts + 1, restarts=restarts)
        slurm("scancel", "--batch", "--signal=USR1", row["slurm_job"])  # as the time limit does
        until(lambda: "requeued" in login.rows()[0]["reason"], 60)
        if steps_done(run):
            break
    (row,) = login.until_done()  # the real warning comes some 30 s before its minute is over
    assert row["state"] == "finished", row["reason"]
    places = resumed(run)
    assert places and any(place["steps_done"] for place in places), "never in mid-epoch"
    assert artifact(run) == whole
    slurm_log = Path(row["log"]).read_text()
    assert slurm_log.count("DUE TO JOB REQUEUE") == len(places)


@pytest.mark.slurm
def test_more_requeues_than_allowed(login: Login) -> None:
    run, job = submitted(login, "--max-requeues", "0")
    slurm("scancel", "--batch", "--signal=USR1", job)
    (row,) = login.until_done()
    assert row["state"] == "failed"
    assert "its time limit came" in row["reason"] and "--max-requeues" in row["reason"]
    assert not resumed(run)


@pytest.mark.slurm
def test_a_time_limit_without_time_for_the_warning(login: Login) -> None:
    _, job = submitted(login)
    slurm("scontrol", "update", f"jobid={job}", "EndTime=now+1")
    (row,) = login.until_done()
    assert account(job)[0] in {"TIMEOUT", "COMPLETED"}
    if account(job)[0] == "TIMEOUT":
        # On a quick machine the training ends before Slurm looks, and the evaluation is cut off.
        assert row["state"] == "failed" and row["reason"].endswith("time limit")


@pytest.mark.slurm
def test_a_lost_node(login: Login, whole: bytes) -> None:
    run, job = submitted(login)
    node = slurm("squeue", "-h", "-j", job, "-o", "%N")
    cluster("crash", node)
    try:
        login.until_epoch(run, 4, restarts=1)
        (row,) = login.rows()
        assert row["node"] not in {"", node}
        assert row["slurm_job"] == job
    finally:
        cluster("start", node)
    (row,) = login.until_done()
    assert row["state"] == "finished" and artifact(run) == whole
    states = slurm("sacct", "-nPXD", "-j", job, "-o", "State").split()
    assert states == ["NODE_FAIL", "COMPLETED"]


@pytest.mark.slurm
def test_a_preempted_job(login: Login, tmp_path: Path, whole: bytes) -> None:
    profile = tmp_path / "site.toml"
    profile.write_text('[defaults]\npartition = "low"\n')
    run, job = submitted(login, "--site", str(profile))
    slurm("sbatch", "-p", "cpu", "-N3", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 5")
    until(lambda: login.rows()[0]["reason"].startswith("requeued"), 40)
    (row,) = login.until_done()
    assert row["state"] == "finished" and artifact(run) == whole
    assert slurm("sacct", "-nPXD", "-j", job, "-o", "State").split()[0] == "PREEMPTED"
