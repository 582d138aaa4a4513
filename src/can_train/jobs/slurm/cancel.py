"""Ends jobs that wait or work, and those that a killed submission left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from can_train.errors import SubmissionError
from can_train.jobs.job import Job
from can_train.jobs.slurm.active import active_jobs
from can_train.jobs.slurm.client import call, words_of
from can_train.jobs.slurm.record import read_attempts
from can_train.runs.state import end_running, read_status

BY_USER = "cancelled by the user"


def cancel_jobs(claimed: Mapping[str, Job], plan: Path | None) -> Iterator[str]:
    """Ends jobs; gives a line for each.

    Args:
        claimed: Jobs that wait or work, by Slurm's number.
        plan: Folder of their plan, if all of its runs are meant.

    Raises:
        SubmissionError: Slurm refused.
    """
    left = _leftovers(plan) if plan is not None else []
    if not claimed and not left:
        return
    done = call(["scancel", *claimed, *left])
    if done.returncode:
        raise SubmissionError(f"scancel: {words_of(done)}")
    for job_id, job in claimed.items():
        status = read_status(job.run_dir)
        if status is not None and status.state == "pending":  # no worker will write it
            end_running(job.run_dir, "cancelled", message=BY_USER)
        yield f"cancelled: {job.title}, Slurm job {job_id}"
    for job_id in left:
        yield f"cancelled: Slurm job {job_id} of a submission that was killed"


def _leftovers(plan: Path) -> list[str]:
    """Held jobs of a submission that was killed before it could release or cancel them."""
    attempts = read_attempts(plan)
    if not attempts or attempts[-1].state != "submitting":
        return []
    found = active_jobs([run.job_name for run in attempts[-1].runs], plan.parents[1]) or {}
    return [job_id for ids in found.values() for job_id in ids]
