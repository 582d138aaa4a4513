"""Ending jobs: those of runs, and those that a killed submission left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import SubmissionError
from can_train.jobs.slurm.cancel import BY_USER, cancel_jobs
from can_train.jobs.slurm.record import SubmissionSettings, read_attempts, write_attempts
from can_train.jobs.slurm.submit import submit
from can_train.runs.state import read_status, start_running
from tests.unit.jobs.fake_slurm import FakeSlurm
from tests.unit.jobs.slurm.requests_for_tests import handover, requests


def states(slurm: FakeSlurm) -> dict[str, str]:
    return {number: text.partition("|")[2] for number, text in slurm.queue.items()}


def test_waiting_runs_are_cancelled_and_working_ones_write_it_themselves(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    plan = tmp_path / "plans" / "p"
    asked = requests(tmp_path, (), (1,), (2,))
    submit(handover(plan), asked, SubmissionSettings())
    start_running(asked[0].job.run_dir)
    claimed = {"1": asked[0].job, "2": asked[1].job}
    assert list(cancel_jobs(claimed, plan)) == [
        "cancelled: stage 1, Slurm job 1", "cancelled: stage 2, Slurm job 2",
    ]  # fmt: skip
    assert states(fake_slurm) == {"1": "CANCELLED", "2": "CANCELLED", "3": "PENDING"}
    found = [read_status(request.job.run_dir) for request in asked]
    assert [s and (s.state, s.message) for s in found] == [
        ("running", ""), ("cancelled", BY_USER), ("pending", ""),
    ]  # fmt: skip


def test_held_jobs_of_a_killed_submission_are_found_by_the_plan(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    plan = tmp_path / "plans" / "p"
    submit(handover(plan), requests(tmp_path, ()), SubmissionSettings())
    (attempt,) = read_attempts(plan)
    write_attempts(plan, (replace(attempt, state="submitting"),))
    assert list(cancel_jobs({}, None)) == []
    assert states(fake_slurm) == {"1": "PENDING"}
    assert list(cancel_jobs({}, plan)) == ["cancelled: Slurm job 1 of a submission that was killed"]
    assert states(fake_slurm) == {"1": "CANCELLED"}


def test_a_refusal_of_slurm_is_told_and_no_run_is_called_cancelled(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    plan = tmp_path / "plans" / "p"
    asked = requests(tmp_path, ())
    submit(handover(plan), asked, SubmissionSettings())
    fake_slurm.fails("scancel", "Access/permission denied")
    with pytest.raises(SubmissionError, match="scancel: .*Access/permission denied"):
        list(cancel_jobs({"1": asked[0].job}, plan))
    status = read_status(asked[0].job.run_dir)
    assert status is not None and status.state == "pending"
