"""Answers of Slurm's commands, as seen on a real cluster, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.jobs.slurm.client import SlurmJob, answers_about
from can_train.runs.job_views import WorkerJob
from can_train.runs.process import Process, is_alive, is_expected, waiting_in
from can_train.runs.state import RunStatus, verdict_of
from tests.unit.jobs.fake_slurm import FakeSlurm

SCONTROL = "JobId=5 JobName=gat-1 UserId=root(0) JobState={} Reason=None Requeue=1 Restarts={} \
ExitCode=0:9 RunTime=00:00:01"
JOB = WorkerJob(executor="slurm", job_id="5", restarts=1)
UNKNOWN = "slurm_load_jobs error: Invalid job id specified"
SILENT = "slurm_load_jobs error: Unable to contact slurm controller"


def queued(*fields: object) -> str:
    """A line of squeue, whose columns have a width of their own."""
    return "".join(f"{field!s:20}|" for field in fields) + "\n"


def test_the_queue_knows_the_living_and_the_accounting_the_dead(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers(
        "squeue",
        queued(1, "RUNNING", 2, "1:02", "node1", "None")
        + queued(2, "PENDING", 0, "0:00", "", "ReqNodeNotAvail, UnavailableNodes:node2")
        + queued(3, "FAILED", 0, "1-00:00:05", "node2", "NonZeroExitCode"),
    )
    fake_slurm.answers(
        "sacct",
        "1|PENDING|0:0|0|None assigned\n"
        "3|FAILED|0:9|86405|node2\n"
        "4|CANCELLED by 0|0:0|3|node1\n"
        "5|RUNNING|0:0|3|node1\n"
        "6_[0-7]|PENDING|0:0|0|None assigned\n",
    )
    answers = answers_about(["1", "2", "3", "4", "5", "6_1"])
    assert answers.reachable and not answers.problems
    assert answers.jobs == {
        "1": SlurmJob(job_id="1", state="RUNNING", node="node1", elapsed_s=62, restarts=2),
        "2": SlurmJob(
            job_id="2", state="PENDING", reason="ReqNodeNotAvail, UnavailableNodes:node2",
            restarts=0,
        ),
        "3": SlurmJob(
            job_id="3", state="FAILED", reason="NonZeroExitCode", node="node2",
            elapsed_s=86405, restarts=0, exit_code=0, signal=9,
        ),
        "4": SlurmJob(
            job_id="4", state="CANCELLED", by="0", node="node1", elapsed_s=3, exit_code=0, signal=0
        ),
    }  # fmt: skip


def test_the_accounting_is_left_alone_while_all_jobs_live(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("squeue", queued(1, "RUNNING", 0, "1:02", "node1", "None"))
    assert answers_about(["1"]).jobs["1"].state == "RUNNING"
    assert not [call for call in fake_slurm.calls if call.startswith("sacct")]


def test_without_accounting_the_controller_tells_the_exit_code(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("squeue", queued(5, "FAILED", 0, "0:03", "node1", "NonZeroExitCode"))
    fake_slurm.answers(
        "sacct", "sacct: error: Problem talking to the database: Connection refused", 1
    )
    fake_slurm.answers("scontrol", SCONTROL.format("FAILED", 0))
    answers = answers_about(["5"])
    assert answers.jobs["5"].signal == 9
    assert answers.problems == (
        "sacct: error: Problem talking to the database: Connection refused",
    )
    assert answers.reachable


@pytest.mark.parametrize("booked", ["", "5|RUNNING|0:0|0|node1\n"])
def test_the_controller_tells_it_too_while_the_accounting_lags(
    fake_slurm: FakeSlurm, booked: str
) -> None:
    fake_slurm.answers("squeue", queued(5, "FAILED", 0, "0:03", "node1", "JobLaunchFailure"))
    fake_slurm.answers("sacct", booked)
    fake_slurm.answers("scontrol", SCONTROL.format("FAILED", 0))
    found = answers_about(["5"]).jobs["5"]
    assert (found.state, found.exit_code, found.signal) == ("FAILED", 0, 9)


def test_a_forgotten_job_is_not_a_silent_controller(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("squeue", UNKNOWN, 1)
    fake_slurm.answers("sacct", "")
    answers = answers_about(["5"])
    assert (answers.jobs, answers.problems, answers.reachable) == ({}, (), True)
    fake_slurm.answers("squeue", SILENT, 1)
    answers = answers_about(["5"])
    assert not answers.reachable and "Unable to contact" in answers.problems[0]


ELSEWHERE = Process(host="another", boot_id="b", pid=7, start_ticks=1, job=JOB)


@pytest.mark.parametrize(
    ("state", "restarts", "alive", "expected"),
    [
        ("RUNNING", 1, True, True),
        ("COMPLETING", 1, True, True),
        ("RUNNING", 2, False, True),  # the job went on without this process
        ("PENDING", 2, False, True),
        ("FAILED", 1, False, False),
    ],
)
def test_slurm_tells_whether_a_process_on_another_host_lives(
    fake_slurm: FakeSlurm, state: str, restarts: int, alive: bool, expected: bool
) -> None:
    fake_slurm.answers("squeue", queued(5, state, restarts, "0:01", "node1", "None"))
    assert is_alive(ELSEWHERE) is alive
    assert is_expected(ELSEWHERE) is expected
    assert is_alive(waiting_in(JOB)) is is_expected(waiting_in(JOB)) is (state != "FAILED")


def test_a_forgotten_job_has_no_processes_a_silent_controller_says_nothing(
    fake_slurm: FakeSlurm,
) -> None:
    fake_slurm.answers("squeue", UNKNOWN, 1)
    assert not is_alive(ELSEWHERE) and not is_expected(waiting_in(JOB))
    fake_slurm.answers("squeue", SILENT, 1)
    assert is_alive(ELSEWHERE) and is_expected(waiting_in(JOB))


def test_a_job_has_one_state_for_everybody_who_asks(fake_slurm: FakeSlurm, tmp_path: Path) -> None:
    """Once `status` read the accounting here and `train` the controller: ended, and alive."""
    fake_slurm.answers("squeue", SILENT, 1)
    fake_slurm.answers("sacct", "5|FAILED|0:9|3|node1\n")
    working = RunStatus(state="running", process=ELSEWHERE, started_at=1.0)
    assert verdict_of(tmp_path, working).reason == "killed by SIGKILL"
    assert not is_alive(ELSEWHERE) and not is_expected(ELSEWHERE)


def test_the_next_start_of_a_job_replaces_its_dead_predecessor(
    fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert not is_alive(ELSEWHERE)
    assert not fake_slurm.calls
