"""Every way in which a run can end has a state and a reason of its own."""

from __future__ import annotations

import pytest

from can_train.jobs.slurm.client import SlurmJob
from can_train.jobs.slurm.outcome import FORGOTTEN, Evidence, Outcome, outcome, reason_in_log
from can_train.runs.process import waiting_job
from can_train.runs.state import RunStatus

MEMORY = "slurmstepd-node1: error: StepId=79.batch exceeded memory limit (3 > 2), being killed\n"
TIME = "slurmstepd-node1: error: *** JOB 5 ON node1 CANCELLED AT 2026-01-01T01:01:01 DUE TO TIME \
LIMIT ***\n"
SCANCEL = "slurmstepd-node1: error: *** JOB 5 ON node1 CANCELLED AT 2026-01-01T01:01:01 ***\n"
REQUEUE = SCANCEL.replace(" ***\n", " DUE TO JOB REQUEUE ***\n")

WAITING = RunStatus(state="pending", process=waiting_job("5"))
WORKING = RunStatus(state="running", process=waiting_job("5"), started_at=1.0, epoch=3, epochs=9)
FAILED = RunStatus(
    state="failed", process=waiting_job("5"), started_at=1.0, message="no such teacher"
)
FINISHED = RunStatus(state="finished", process=waiting_job("5"), started_at=1.0)


def job(state: str, *, code: int | None = 0, number: int = 0, by: str = "", reason: str = "") -> (
    SlurmJob
):  # fmt: skip
    return SlurmJob(
        job_id="5", state=state, exit_code=code, signal=number, by=by, reason=reason, node="node1"
    )


@pytest.mark.parametrize(
    ("status", "slurm", "log", "state", "reason"),
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
    status: RunStatus, slurm: SlurmJob | None, log: str, state: str, reason: str
) -> None:
    found = outcome(Evidence(status=status, job=slurm, log=log))
    assert found == Outcome(state=state, reason=reason)


def test_dependents_of_a_failed_stage_are_blocked_not_cancelled() -> None:
    for slurm in (job("CANCELLED"), None):
        found = outcome(Evidence(status=WAITING, job=slurm, blocked=True))
        assert found == Outcome(state="blocked", reason="a stage that it needs didn't finish")
    by_hand = outcome(Evidence(status=WAITING, job=job("CANCELLED", by="0"), blocked=True))
    assert by_hand == Outcome(state="cancelled", reason="cancelled by root")


def test_a_silent_controller_changes_nothing() -> None:
    found = outcome(Evidence(status=WORKING, slurm_answers=False))
    assert found == Outcome(state="running", reason="Slurm can't be asked")


def test_the_last_line_of_slurm_counts_and_nobody_elses() -> None:
    assert reason_in_log(REQUEUE + TIME) == "time limit"
    assert reason_in_log(MEMORY + "INFO finished\n") == "out of memory"
    assert reason_in_log("INFO: exceeded memory limit DUE TO TIME LIMIT\n") == ""


def test_a_run_that_was_never_given_to_anybody_is_planned() -> None:
    assert outcome(Evidence(status=None)) == Outcome(state="planned")
