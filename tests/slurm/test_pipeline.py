"""The pipeline of the specification as Slurm jobs, and as processes here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.slurm.login import COMMON, ONE_GAT, Login, account, slurm, until

STUDENTS = ("pipeline", *COMMON, "--training-strategyl", "vgae,gat,dqn",
            "--training-strategy", "autoencoder,curriculum,fusion",
            "--distillation", "with-kd,with-kd,no-kd", "--auto-find-teacher",
            "--epochs", "2,2,2")  # fmt: skip
ENABLED = "Knowledge Distillation: ENABLED"


@pytest.mark.slurm
def test_jobs_give_what_processes_give(login: Login, teachers: Path, tmp_path: Path) -> None:
    login = replace(login, teachers=teachers)
    shown = login.ok(*STUDENTS, "--dry-run", "--submit")
    assert not login.experiments.exists()
    login.ok(*STUDENTS, "--submit")
    rows = login.rows()
    ids = [row["slurm_job"] for row in rows]
    assert [row["model"] for row in rows] == ["vgae", "gat", "dqn"] and len(set(ids)) == 3

    for job_id in ids:
        script = tmp_path / f"{job_id}.sh"
        slurm("scontrol", "write", "batch_script", job_id, str(script))
        assert script.read_text() in shown
    rows = login.until_done()
    assert [(row["state"], row["reason"]) for row in rows] == [("finished", "")] * 3
    books = [account(job_id, "SubmitLine") for job_id in ids]
    assert [state for state, _ in books] == ["COMPLETED"] * 3
    assert "--dependency" not in books[0][1]
    assert f"--dependency=afterok:{ids[0]} " in books[1][1]
    assert f"--dependency=afterok:{ids[0]}:{ids[1]} " in books[2][1]

    logs = [Path(row["log"]).read_text() for row in rows]
    assert [log.count(ENABLED) for log in logs] == [1, 1, 0]
    for log, row in zip(logs, rows, strict=True):
        first, last = log.splitlines()[0], [x for x in log.splitlines() if " state: " in x][-1]
        assert f"job: Slurm job {row['slurm_job']}, start 0; node: {row['node']}" in first
        assert "frozen config: " in log and "environment: Python" in log
        assert "state: finished; ended: " in last and "elapsed: " in last
        assert login.ok("logs", row["run_id"]) == log

    here = replace(login, experiments=tmp_path / "here")
    here.ok(*STUDENTS)
    for mine, theirs in zip(login.runs(), here.runs(), strict=True):
        assert mine.name == theirs.name
        (artifact,) = mine.glob("models/*.pth")
        assert artifact.read_bytes() == (theirs / "models" / artifact.name).read_bytes()
    a, b = (json.loads((x.run_of("dqn") / "evaluation.json").read_text()) for x in (login, here))
    assert a["rows"] == b["rows"]


@pytest.mark.slurm
def test_roots_of_any_name_stay_data(login: Login, data: Path, tmp_path: Path) -> None:
    odd = tmp_path / "my 'data' $(touch x); \"100%\" %j `touch y`"
    odd.mkdir()
    (odd / "data").symlink_to(data)
    there = replace(
        login, data=odd / "data", experiments=odd / "my runs", teachers=odd / "teachers"
    )
    there.ok(*ONE_GAT, "--epochs", "1", "--submit")
    (row,) = there.until_done()
    assert row["state"] == "finished"
    assert "state: finished" in there.ok("logs", row["run_id"])
    run = there.run_of("gat")
    assert sorted(p.name for p in (run / "slurm_logs").iterdir()) == [
        f"gat_{row['slurm_job']}.err", f"gat_{row['slurm_job']}.out", "job.sh",
    ]  # fmt: skip
    two_lines = replace(login, experiments=tmp_path / "my\nruns").call(*ONE_GAT, "--submit")
    assert two_lines.returncode == 2 and "holds control characters" in two_lines.stderr
    made = [p for p in tmp_path.rglob("*") if p.name in {"x", "y"}]
    assert not made and not any(Path(name).exists() for name in ("x", "y"))


@pytest.mark.slurm
def test_the_same_plan_is_not_submitted_twice(login: Login) -> None:
    command = (*ONE_GAT, "--epochs", "300", "--submit")
    login.ok(*command)
    (row,) = login.rows()
    again = login.call(*command)
    assert again.returncode == 3
    assert f"is pending in Slurm job {row['slurm_job']}" in again.stderr or (
        f"is running in Slurm job {row['slurm_job']}" in again.stderr
    )
    login.until_epoch(login.run_of("gat"), 1)
    here = login.call(*(word for word in command if word != "--submit"))
    assert here.returncode == 3 and f"Slurm job {row['slurm_job']}" in here.stderr
    said = login.ok("cancel", login.plan())
    assert f"Slurm job {row['slurm_job']}" in said
    (row,) = login.until_done()
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled by root")
    until(lambda: not slurm("squeue", "-h", "--me"))
    assert login.ok("cancel", login.plan()) == "nothing works on it\n"
