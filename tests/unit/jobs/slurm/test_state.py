"""Every way in which a run can end has a state and a reason of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from can_train.jobs.slurm.client import Answers, SlurmJob
from can_train.jobs.slurm.state import FORGOTTEN, SlurmView, reason_in_log
from can_train.runs.job_views import Evidence, Verdict

MEMORY = "slurmstepd-node1: error: StepId=79.batch exceeded memory limit (3 > 2), being killed\n"
TIME = "slurmstepd-node1: error: *** JOB 5 ON node1 CANCELLED AT 2026-01-01T01:01:01 DUE TO TIME \
LIMIT ***\n"
SCANCEL = "slurmstepd-node1: error: *** JOB 5 ON node1 CANCELLED AT 2026-01-01T01:01:01 ***\n"
REQUEUE = SCANCEL.replace(" ***\n", " DUE TO JOB REQUEUE ***\n")

WAITING = Evidence(state="pending")
WORKING = Evidence(state="running", started=True)
FAILED = Evidence(state="failed", started=True, message="no such teacher")
FINISHED = Evidence(state="finished", started=True)


def job(state: str, *, code: int | None = 0, number: int = 0, by: str = "", reason: str = "") -> (
    SlurmJob
):  # fmt: skip
    return SlurmJob(
        job_id="5", state=state, exit_code=code, signal=number, by=by, reason=reason, node="node1"
    )


def verdict(slurm: SlurmJob | None, evidence: Evidence) -> Verdict:
    return SlurmView(Answers(jobs={} if slurm is None else {"5": slurm})).verdict("5", evidence)


@pytest.mark.parametrize(
    ("written", "slurm", "log", "state", "reason"),
    [
        (WAITING, job("PENDING", reason="Dependency"), "", "pending", "Dependency"),
        (WAITING, job("PENDING", reason="DependencyNeverSatisfied"), "", "blocked",
         "DependencyNeverSatisfied"),
        (WAITING, job("RUNNING"), "", "running", ""),
        (WORKING, job("RUNNING"), "", "running", ""),
        (WORKING, job("SUSPENDED"), "", "running", "suspended"),
        (WORKING, job("PENDING", reason="BeginTime"), "", "pending", "requeued, BeginTime"),
        (WORKING, job("FAILED", number=9), "", "failed", "killed by SIGKILL"),
        (WORKING, job("FAILED", code=137), "", "failed", "killed by SIGKILL"),
        (WORKING, job("FAILED", number=9), MEMORY, "failed", "out of memory"),
        (WORKING, job("OUT_OF_MEMORY", number=125), "", "failed", "out of memory"),
        (WORKING, job("TIMEOUT"), TIME, "failed", "time limit"),
        (WORKING, job("NODE_FAIL"), "", "failed", "node failure"),
        (WORKING, job("PREEMPTED"), "", "failed", "preempted"),
        (WORKING, job("CANCELLED", by="0"), SCANCEL, "cancelled", "cancelled by root"),
        (WORKING, job("CANCELLED"), MEMORY, "failed", "out of memory"),
        (FAILED, job("FAILED", code=6), "", "failed", "no such teacher"),
        (WORKING, job("FAILED", code=5), "", "failed", "exit code 5"),
        (WAITING, job("FAILED", number=53), "", "failed",
         "its job couldn't open its folder or log"),
        (WORKING, job("COMPLETED"), "", "failed", "its job ended without finishing it"),
        (FINISHED, job("COMPLETED"), "", "finished", ""),
        (FINISHED, None, "", "finished", ""),
        (FINISHED, job("RUNNING"), "", "running", "trained"),
        (FINISHED, job("TIMEOUT"), TIME, "failed", "trained, but not evaluated: time limit"),
        # Slurm has forgotten the job, and there is no accounting.
        (WORKING, None, TIME, "failed", "time limit"),
        (WORKING, None, MEMORY, "failed", "out of memory"),
        (WORKING, None, SCANCEL, "cancelled", "cancelled"),
        (WORKING, None, "", "failed", FORGOTTEN),
        (FAILED, None, "", "failed", "no such teacher"),
    ],
)  # fmt: skip
def test_state_and_reason(
    written: Evidence, slurm: SlurmJob | None, log: str, state: str, reason: str
) -> None:
    found = verdict(slurm, replace(written, log=lambda: log))
    assert found == Verdict(state=state, reason=reason)


def test_dependents_of_a_failed_stage_are_blocked_not_cancelled() -> None:
    waiting = replace(WAITING, blocked=True)
    for slurm in (job("CANCELLED"), None):
        found = verdict(slurm, waiting)
        assert found == Verdict(state="blocked", reason="a stage that it needs didn't finish")
    by_hand = verdict(job("CANCELLED", by="0"), waiting)
    assert by_hand == Verdict(state="cancelled", reason="cancelled by root")


def test_a_silent_controller_changes_nothing() -> None:
    found = SlurmView(Answers(reachable=False)).verdict("5", WORKING)
    assert found == Verdict(state="running", reason="Slurm can't be asked")


def test_the_last_line_of_slurm_counts_and_nobody_elses() -> None:
    assert reason_in_log(REQUEUE + TIME) == "time limit"
    assert reason_in_log(MEMORY + "INFO finished\n") == "out of memory"
    assert reason_in_log("INFO: exceeded memory limit DUE TO TIME LIMIT\n") == ""
