"""Six pipelines that share a teacher: it trains once, and one failure takes no other with it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from can_train.runs.state import read_status
from tests.slurm.login import COMMON, Login, until

SIX = ("sweep", "pipeline", *COMMON, "--model", "vgae,vgae,gat",
       "--model-size", "teacher,student,student", "--distillation", "no-kd,with-kd,no-kd",
       "--training-strategy", "autoencoder,autoencoder,curriculum", "--epochs", "2,12,1",
       "--patience", "100", "--windows-per-side", "300", "--augment", "off",
       "--grid", "alpha=0.1,0.2,0.3,0.4,0.5,0.6")  # fmt: skip


def by_kind(login: Login) -> dict[str, list[dict[str, Any]]]:
    """Rows of the teacher, the students and the GATs, in the order of the plan."""
    found: dict[str, list[dict[str, Any]]] = {"teacher": [], "student": [], "gat": []}
    for row in login.rows():
        found["gat" if row["model"] == "gat" else row["model_size"]].append(row)
    return found


def worker(row: dict[str, Any]) -> int:
    """Process number of the worker of a run; 0 before it has trained an epoch."""
    status = read_status(Path(row["run_dir"]))
    working = status is not None and status.state == "running" and status.epoch
    return status.process.pid if working and status and status.process else 0


@pytest.mark.slurm
def test_six_pipelines_share_a_teacher_and_go_out_as_throttled_arrays(login: Login) -> None:
    roots = ("--data-root", str(login.data), "--teacher-root", str(login.teachers))
    said = login.ok(*SIX, *roots, "--submit", "--array-limit", "2")
    assert "6 combinations, 13 runs (5 of 18 stages shared)" in said
    rows = by_kind(login)
    assert [len(found) for found in rows.values()] == [1, 6, 6]
    teacher, students, gats = ([row["slurm_job"] for row in rows[kind]] for kind in rows)
    bases = [jobs[0].partition("_")[0] for jobs in (students, gats)]
    for base, jobs in zip(bases, (students, gats), strict=True):
        assert jobs == [f"{base}_{task}" for task in range(6)]
    assert teacher[0] not in bases

    victim = rows["student"][1]
    until(lambda: bool(worker(victim)))
    os.kill(worker(victim), signal.SIGKILL)
    most = 0
    while any(row["state"] in {"pending", "running"} for row in login.rows()):
        rows = by_kind(login)
        most = max(most, sum(row["state"] == "running" for row in rows["student"]))
    assert most == 2
    rows = by_kind(login)
    assert [row["state"] for row in rows["teacher"]] == ["finished"]
    for kind, lost in (("student", "failed"), ("gat", "blocked")):
        states = [row["state"] for row in rows[kind]]
        assert states == ["finished", lost, *["finished"] * 4]

    sweep = login.plan()
    assert login.call("sweep", "status", sweep).returncode == 1
    said = login.ok("sweep", "retry-failed", sweep)
    assert (said.count("submitted: "), said.count("kept: ")) == (2, 1)
    assert {row["state"] for row in login.until_done()} == {"finished"}
    document = json.loads(login.ok("sweep", "status", sweep, "--json"))
    assert (document["state"], document["done"]) == ("finished", 6)
    assert len(login.runs()) == 13
    assert len([run for run in login.runs() if (run / "evaluation.json").is_file()]) == 6
