"""Ends what works on the runs of a plan, wherever that is."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from can_train.errors import PreflightError, SubmissionError
from can_train.jobs.executor import Job
from can_train.jobs.slurm.client import active_jobs, call, words_of
from can_train.jobs.slurm.record import read_attempts
from can_train.runs.process import Process
from can_train.runs.state import claimant, end_running, read_status

BY_USER = "cancelled by the user"


def cancel(jobs: Sequence[Job], plan: Path | None = None) -> Iterator[str]:
    """Ends the Slurm jobs and local processes of `jobs`; gives a line for each.

    Args:
        jobs: Runs.
        plan: Folder of their plan, if all of its runs are meant: jobs of a submission that was
            killed halfway are found by it.

    Raises:
        PreflightError: A process works on another machine, or for more than these runs.
        SubmissionError: Slurm refused.
    """
    claims = [(job, process) for job in jobs if (process := claimant(job.run_dir)) is not None]
    yield from _cancel_slurm(claims, plan)
    local = [(job, process) for job, process in claims if process.slurm_job is None]
    yield from _cancel_local(local, whole_plan=plan is not None or len(jobs) > 1)


def _cancel_slurm(claims: Sequence[tuple[Job, Process]], plan: Path | None) -> Iterator[str]:
    mine = {process.slurm_job: job for job, process in claims if process.slurm_job is not None}
    ids = [str(job_id) for job_id in mine]
    left = _leftovers(plan) if plan is not None else []
    if not ids and not left:
        return
    done = call(["scancel", *ids, *left])
    if done.returncode:
        raise SubmissionError(f"scancel: {words_of(done)}")
    for job_id, job in mine.items():
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
    found = active_jobs([run.job_name for run in attempts[-1].runs]) or {}
    return [job_id for ids in found.values() for job_id in ids]


def _cancel_local(claims: Sequence[tuple[Job, Process]], *, whole_plan: bool) -> Iterator[str]:
    waiting = [(j, p) for j, p in claims if (s := read_status(j.run_dir)) and s.state == "pending"]
    if waiting and not whole_plan:
        job, process = waiting[0]
        raise PreflightError(
            f"run {job.run_dir.name} waits in {process}, which runs its whole plan. "
            "Cancel that: can-train cancel PLAN"
        )
    # The launcher ends its worker and tells the others; without one the worker ends itself.
    chosen = {process.pid: process for _, process in (waiting or claims)}
    for process in chosen.values():
        if process.host != socket.gethostname():
            raise PreflightError(
                f"{process} works on these runs and can't be reached from here. "
                "Give the same command on that machine"
            )
        os.kill(process.pid, signal.SIGTERM)
    for job, process in claims:
        yield f"cancelled: {job.title}, {process}"
