"""Independent runs as one array with a throttle."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from can_train.runs.state import read_status
from tests.slurm.login import COMMON, Login, slurm, until

EIGHT = ("pipeline", *COMMON, "--model", ",".join(["gat"] * 8), "--model-size", "student",
         "--training-strategy", "normal", "--seed", "0,1,2,3,4,5,6,7",
         "--epochs", "15", "--patience", "100")  # fmt: skip


def working(login: Login) -> list[Path]:
    statuses = {run: read_status(run) for run in login.runs()}
    return [run for run, status in statuses.items() if status and status.state == "running"]


@pytest.mark.slurm
def test_an_array_of_eight_with_a_throttle_of_two(login: Login) -> None:
    login.ok(*EIGHT, "--submit", "--array-limit", "2")
    rows = login.rows()
    jobs = [row["slurm_job"] for row in rows]
    base = jobs[0].partition("_")[0]
    assert jobs == [f"{base}_{task}" for task in range(8)]
    until(lambda: bool(working(login)))
    victim = working(login)[0]
    status = login.until_epoch(victim, 1)
    assert status.process is not None
    os.kill(status.process.pid, signal.SIGKILL)

    most = 0
    while any(row["state"] in {"pending", "running"} for row in rows):
        rows = login.rows()
        assert len(rows) == 8
        most = max(most, sum(row["state"] == "running" for row in rows))
    assert most == 2
    ended = {row["run_id"]: (row["state"], row["reason"]) for row in rows}
    assert ended.pop(victim.name) == ("failed", "killed by SIGKILL")
    assert list(ended.values()) == [("finished", "")] * 7
    for row in rows:
        assert f"Slurm job {row['slurm_job']}, start 0" in Path(row["log"]).read_text()

    said = login.ok("resume", login.plan())
    assert (said.count("kept: "), said.count("submitted: ")) == (7, 1)
    rows = login.until_done()
    assert [row["state"] for row in rows] == ["finished"] * 8
    assert sum(row["slurm_job"].startswith(f"{base}_") for row in rows) == 7
    assert not slurm("squeue", "-h", "--me")
