"""Ends what works on the runs of a plan, wherever that is."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from can_train.errors import ConfigError, PreflightError
from can_train.jobs.executor import executors
from can_train.jobs.job import Job
from can_train.plugins import PLUGINS_VARIABLE
from can_train.runs.process import Process
from can_train.runs.state import claimant, read_status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A run and the living process that works on it, or will."""

    job: Job
    process: Process


def cancel(jobs: Sequence[Job], plan: Path | None = None) -> Iterator[str]:
    """Ends the executors' jobs and local processes of `jobs`; gives a line for each.

    Args:
        jobs: Runs.
        plan: Folder of their plan, if all of its runs are meant: jobs of a submission that was
            killed halfway are found by it.

    Raises:
        ConfigError: The executor of a job isn't known here.
        PreflightError: A process works on another machine, or for more than these runs.
        SubmissionError: An executor refused.
    """
    claims = [_Claim(job=j, process=p) for j in jobs if (p := claimant(j.run_dir)) is not None]
    known = executors()
    claimed: dict[str, dict[str, Job]] = {name: {} for name in known}
    for claim in claims:
        if (worker_job := claim.process.job) is not None:
            if worker_job.executor not in known:
                raise ConfigError(
                    f"run {claim.job.run_dir.name} belongs to {worker_job}, whose executor isn't "
                    f"known here. Name its file in ${PLUGINS_VARIABLE}, then the same again"
                )
            claimed[worker_job.executor][worker_job.job_id] = claim.job
    for name, mine in claimed.items():
        yield from known[name].cancel(mine, plan)
    local = [claim for claim in claims if claim.process.job is None]
    yield from _end_processes(local, whole_plan=plan is not None or len(jobs) > 1)


def _end_processes(claims: Sequence[_Claim], *, whole_plan: bool) -> Iterator[str]:
    waiting = [c for c in claims if (s := read_status(c.job.run_dir)) and s.state == "pending"]
    if waiting and not whole_plan:
        first = waiting[0]
        raise PreflightError(
            f"run {first.job.run_dir.name} waits in {first.process}, which runs its whole plan. "
            "Cancel that: can-train cancel PLAN"
        )
    # The launcher ends its worker and tells the others; without one the worker ends itself.
    chosen = {claim.process.pid: claim.process for claim in (waiting or claims)}
    for process in chosen.values():
        if process.host != socket.gethostname():
            raise PreflightError(
                f"{process} works on these runs and can't be reached from here. "
                "Give the same command on that machine"
            )
        os.kill(process.pid, signal.SIGTERM)
    for claim in claims:
        yield f"cancelled: {claim.job.title}, {claim.process}"
