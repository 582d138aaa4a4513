"""From a plan that is handed over to Slurm's jobs: what is missing, and what it asks for."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from can_train.config.spec import spec_of
from can_train.errors import PreflightError, raise_all
from can_train.jobs.board import Row, board_of
from can_train.jobs.executor import OptionValue
from can_train.jobs.job import Handover, JobRequest, JobResult
from can_train.jobs.slurm.arrays import SlurmRequest
from can_train.jobs.slurm.batches import batches
from can_train.jobs.slurm.record import (
    SubmissionSettings,
    SubmittedRun,
    latest_runs,
    read_attempts,
)
from can_train.jobs.slurm.script import processes
from can_train.jobs.slurm.site import load_site, merged, resources_for
from can_train.jobs.slurm.state import COMPLETING
from can_train.jobs.slurm.submit import CLEARING_S, submit
from can_train.runs.layout import evaluation_path, stage_logs

Given = Mapping[str, OptionValue]

_PAUSE_S: Final = 0.5


def scripts(handover: Handover, given: Given) -> Iterator[str]:
    """The calls of sbatch and, byte for byte, the scripts that Slurm would get."""
    rows = _rows(handover)
    requests = [r for r in _requests(handover, given) if _is_missing(rows[r.job.number], r)]
    jobs = {r.job.number: f"<job of stage {r.job.number}>" for r in requests}
    for batch in batches(handover.plan, requests, _settings(handover, given)):
        call = " ".join(shlex.quote(word) for word in batch.command(jobs))
        yield f"\n{batch.title}: {call}\n{batch.script}"


def hand_over(handover: Handover, given: Given) -> tuple[JobResult, ...]:
    """Submits the runs that are missing, and tells the number of each job.

    Raises:
        PreflightError: One of the runs is being worked on by a process on this machine, or its last
            job isn't cleared away.
        SubmissionError: Slurm refused a job, or didn't answer.
    """
    rows = _settled_rows(handover)
    raise_all([_works_here(r) for r in rows.values() if r.is_active and r.worker_job is None])
    missing, results = [], {}
    for request in _requests(handover, given):
        job, row = request.job, rows[request.job.number]
        if _is_missing(row, request):
            missing.append(request)
            results[job.number] = JobResult(job=job, outcome="submitted")
            continue
        results[job.number] = JobResult(job=job, outcome="kept" if row.is_active else "reused")
        if handover.resumed:
            sys.stdout.write(f"kept: {job.title}: {row.state}\n")
    if missing:
        running = {n: r.worker_job.job_id for n, r in rows.items() if r.is_active and r.worker_job}
        attempt = submit(handover, missing, _settings(handover, given), running)
        _tell(missing, {run.number: str(run.job_id) for run in attempt.runs})
    else:
        sys.stdout.write("nothing to submit: no run of this plan is missing\n")
    return tuple(results[job.number] for job in handover.jobs)


def _tell(requests: list[SlurmRequest], jobs: Mapping[int, str]) -> None:
    for request in requests:
        job, number = request.job, jobs[request.job.number]
        _, log = stage_logs(job.run_dir, job.name, number)
        sys.stdout.write(
            f"submitted: {job.title}, run {job.run_dir.name}, Slurm job {number}, log {log}\n"
        )


def _rows(handover: Handover) -> dict[int, Row]:
    return {row.job.number: row for row in board_of(handover.jobs).rows}


def _settled_rows(handover: Handover) -> dict[int, Row]:
    """The same once no job is left that has ended and still clears up, as after a cancel.

    Raises:
        PreflightError: One still does after `CLEARING_S`.
    """
    deadline = time.monotonic() + CLEARING_S
    rows, told = _rows(handover), False
    while clearing := [row for row in rows.values() if row.reason == COMPLETING]:
        if time.monotonic() > deadline:
            raise_all([_still_clears(row) for row in clearing])
        if not told:
            titles = ", ".join(row.job.title for row in clearing)
            sys.stderr.write(f"waiting until Slurm has cleared away the last job of {titles}\n")
            told = True
        time.sleep(_PAUSE_S)
        rows = _rows(handover)
    return rows


def _is_missing(row: Row, request: SlurmRequest) -> bool:
    """Whether nothing works on the run, and it hasn't finished or wasn't evaluated."""
    if row.is_active:
        return False
    evaluated = not request.evaluate or evaluation_path(row.job.run_dir).is_file()
    return row.state != "finished" or not evaluated


def _requests(handover: Handover, given: Given) -> list[SlurmRequest]:
    """Everything that the jobs ask for: typed now, else asked for before, else the profile's."""
    again = handover.resumed and "site" not in given
    before = latest_runs(read_attempts(handover.plan)) if again else {}
    return [
        _filled(request, before.get(request.job.number), given) for request in handover.requests
    ]


def _filled(request: JobRequest, past: SubmittedRun | None, given: Given) -> SlurmRequest:
    asked, evaluate = request.needs.resources, request.evaluate
    if past is None:
        resources = resources_for(load_site(_site_in(given)), request.needs)
    else:
        resources, evaluate = merged((asked, past.resources)), past.evaluate
    resources = replace(resources, cpus=resources.cpus or request.job.threads)
    if processes(resources) > 1 and not spec_of(request.needs.model).data_parallel:
        resources = replace(resources, nodes=1, gpus=min(1, resources.gpus or 0))
        sys.stderr.write(
            f"{request.job.title}: a {request.needs.model} trains in one process, so its job asks "
            "for one node and one GPU at most\n"
        )
    return SlurmRequest(job=request.job, resources=resources, evaluate=evaluate)


def _settings(handover: Handover, given: Given) -> SubmissionSettings:
    """What holds for all jobs, from the options, the last submission or the site profile."""
    attempts = read_attempts(handover.plan) if handover.resumed else ()
    if attempts and "site" not in given:
        settings = attempts[-1].settings
    else:
        settings = SubmissionSettings(setup=load_site(_site_in(given)).setup)
    if "max_requeues" in given:
        settings = replace(settings, max_requeues=int(given["max_requeues"]))
    if "array_limit" in given:
        settings = replace(settings, array_limit=int(given["array_limit"]))
    return settings


def _site_in(given: Given) -> str | None:
    return str(given["site"]) if "site" in given else None


def _still_clears(row: Row) -> PreflightError:
    number = row.worker_job.job_id if row.worker_job else ""
    return PreflightError(
        f"{row.job.title}: Slurm still clears away its last job {number}. Give the same command "
        f"again once it is gone from: squeue -j {number}"
    )


def _works_here(row: Row) -> PreflightError:
    return PreflightError(
        f"{row.job.title} is {row.state} on this machine. Wait for it, or end it: "
        f"can-train cancel {row.job.run_dir.name}"
    )
