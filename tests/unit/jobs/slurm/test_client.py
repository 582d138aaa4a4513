"""Answers of Slurm's commands, as seen on a real cluster, and what is made of them."""

from __future__ import annotations

import pytest

from can_train.jobs.slurm.client import SlurmJob, view_jobs
from can_train.runs.process import Process, is_alive, is_expected, waiting_job
from tests.unit.jobs.fake_slurm import FakeSlurm

SCONTROL = "JobId=5 JobName=gat-1 UserId=root(0) JobState={} Reason=None Requeue=1 Restarts={} \
ExitCode=0:9 RunTime=00:00:01"


def test_the_queue_knows_the_living_and_the_accounting_the_dead(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers(
        "squeue",
        "1|RUNNING|1:02|node1|None\n"
        "2|PENDING|0:00||ReqNodeNotAvail, UnavailableNodes:node2\n"
        "3|FAILED|1-00:00:05|node2|NonZeroExitCode\n",
    )
    fake_slurm.answers(
        "sacct",
        "1|PENDING|0:0|0|None assigned\n"
        "3|FAILED|0:9|86405|node2\n"
        "4|CANCELLED by 0|0:0|3|node1\n"
        "5|RUNNING|0:0|3|node1\n"
        "6_[0-7]|PENDING|0:0|0|None assigned\n",
    )
    view = view_jobs(["1", "2", "3", "4", "5", "6_1"])
    assert view.reachable and not view.problems
    assert view.jobs == {
        "1": SlurmJob(job_id="1", state="RUNNING", node="node1", elapsed_s=62),
        "2": SlurmJob(
            job_id="2", state="PENDING", reason="ReqNodeNotAvail, UnavailableNodes:node2"
        ),
        "3": SlurmJob(
            job_id="3", state="FAILED", reason="NonZeroExitCode", node="node2",
            elapsed_s=86405, exit_code=0, signal=9,
        ),
        "4": SlurmJob(
            job_id="4", state="CANCELLED", by="0", node="node1", elapsed_s=3, exit_code=0, signal=0
        ),
    }  # fmt: skip


def test_without_accounting_the_controller_tells_the_exit_code(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("squeue", "5|FAILED|0:03|node1|NonZeroExitCode\n")
    fake_slurm.answers(
        "sacct", "sacct: error: Problem talking to the database: Connection refused", 1
    )
    fake_slurm.answers("scontrol", SCONTROL.format("FAILED", 0))
    view = view_jobs(["5"])
    assert view.jobs["5"].signal == 9
    assert view.problems == ("sacct: error: Problem talking to the database: Connection refused",)
    assert view.reachable


def test_a_forgotten_job_is_not_a_silent_controller(fake_slurm: FakeSlurm) -> None:
    fake_slurm.answers("squeue", "slurm_load_jobs error: Invalid job id specified", 1)
    fake_slurm.answers("sacct", "")
    view = view_jobs(["5"])
    assert (view.jobs, view.problems, view.reachable) == ({}, (), True)
    fake_slurm.answers("squeue", "slurm_load_jobs error: Unable to contact slurm controller", 1)
    view = view_jobs(["5"])
    assert not view.reachable and "Unable to contact" in view.problems[0]


ELSEWHERE = Process(host="another", boot_id="b", pid=7, start_ticks=1, slurm_job="5", restarts=1)


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
    fake_slurm.answers("scontrol", SCONTROL.format(state, restarts))
    assert is_alive(ELSEWHERE) is alive
    assert is_expected(ELSEWHERE) is expected
    assert is_alive(waiting_job("5")) is is_expected(waiting_job("5")) is (state != "FAILED")


def test_a_forgotten_job_has_no_processes_a_silent_controller_says_nothing(
    fake_slurm: FakeSlurm,
) -> None:
    fake_slurm.answers("scontrol", "slurm_load_jobs error: Invalid job id specified", 1)
    assert not is_alive(ELSEWHERE) and not is_expected(waiting_job("5"))
    fake_slurm.answers("scontrol", "slurm_load_jobs error: Unable to contact slurm controller", 1)
    assert is_alive(ELSEWHERE) and is_expected(waiting_job("5"))


def test_the_next_start_of_a_job_replaces_its_dead_predecessor(
    fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "5")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert not is_alive(ELSEWHERE)
    assert not fake_slurm.calls
