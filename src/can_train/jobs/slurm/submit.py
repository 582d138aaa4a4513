"""Hands a plan to Slurm: all of its jobs or none, each exactly once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from can_train.errors import SubmissionError, counted
from can_train.files import lock, write_text
from can_train.jobs.job import Handover
from can_train.jobs.slurm.active import active_jobs
from can_train.jobs.slurm.arrays import SlurmRequest
from can_train.jobs.slurm.batches import Batch, batches
from can_train.jobs.slurm.client import call_until_answered
from can_train.jobs.slurm.record import (
    Attempt,
    SubmissionSettings,
    SubmittedRun,
    read_attempts,
    write_attempts,
)
from can_train.runs.job_views import WorkerJob
from can_train.runs.layout import stage_logs, submission_lock
from can_train.runs.process import waiting_in
from can_train.runs.state import RunStatus, read_status, write_status

PATIENCE_S: Final = 300.0
"""How long a controller that doesn't answer is waited for."""

CLEARING_S: Final = 60.0
"""How long cancelled jobs of the same runs are waited for until Slurm has cleared them away."""


def submit(
    handover: Handover,
    requests: Sequence[SlurmRequest],
    settings: SubmissionSettings,
    running: Mapping[int, str] = MappingProxyType({}),
) -> Attempt:
    """Submits `requests`: held, then released together; none is left behind if one is refused.

    Args:
        handover: The plan that they belong to.
        requests: Runs in topological order; what they need beside each other and `running` has
            finished.
        settings: What holds for all of them.
        running: Slurm jobs of stages of the plan that wait or work already.

    Raises:
        SubmissionError: Slurm refused a job, or didn't answer; nothing is left in the queue.
    """
    folder = handover.plan
    groups = batches(folder, requests, settings)
    with lock(submission_lock(folder)):
        before = _without_leftovers(folder, groups)
        runs = tuple(
            SubmittedRun(
                number=request.job.number,
                run_dir=str(request.job.run_dir.relative_to(handover.experiment_root)),
                job_name=group.name,
                resources=request.resources,
                evaluate=request.evaluate,
            )
            for group in groups
            for request in group.requests
        )
        record = _Submission(
            folder, before, Attempt(state="submitting", runs=runs, settings=settings)
        )
        done = False
        try:
            _submit_held(groups, record, running)
            for group in groups:
                _announce(group, record.job_ids)
            call_until_answered(
                ["scontrol", "release", ",".join(record.jobs)], patience_s=PATIENCE_S
            )
            done = True
        except SubmissionError as error:
            record.message = str(error)
            raise
        finally:  # Ctrl-C, too: held jobs that nobody releases would stay for ever
            record.close("submitted" if done else "cancelled", groups)
    return record.attempt


class _Submission:
    """The submission record while it grows."""

    def __init__(self, folder: Path, before: tuple[Attempt, ...], attempt: Attempt) -> None:
        self._folder, self._before = folder, before
        self.attempt = attempt
        self.jobs: list[str] = []
        self.message = ""
        self._write()

    @property
    def root(self) -> Path:
        """Experiment root."""
        return self._folder.parents[1]

    @property
    def job_ids(self) -> dict[int, str]:
        """Job numbers by stage."""
        return {run.number: run.job_id for run in self.attempt.runs if run.job_id is not None}

    def add(self, batch: Batch, job_id: str) -> None:
        """Slurm took `batch` as `job_id`."""
        self.jobs.append(job_id)
        self.attempt = self.attempt.with_job(batch.numbers, job_id, array=batch.is_array)
        self._write()

    def close(self, state: str, groups: Sequence[Batch]) -> None:
        """Writes how it ended; jobs of one that isn't complete are cancelled first."""
        if state == "submitted":
            self.attempt = replace(self.attempt, state="submitted")
        else:
            found = active_jobs([group.name for group in groups], self.root) or {}
            _cancel([*self.jobs, *(job for jobs in found.values() for job in jobs)])
            self.attempt = replace(self.attempt, state="cancelled", message=self.message)
        self._write()

    def _write(self) -> None:
        write_attempts(self._folder, (*self._before, self.attempt))


def _submit_held(groups: Sequence[Batch], record: _Submission, running: Mapping[int, str]) -> None:
    for group in groups:
        write_text(group.script_path, group.script)
        try:
            job_id = call_until_answered(
                group.command({**running, **record.job_ids}),
                patience_s=PATIENCE_S,
                look=partial(_already, group.name, record.root),
            )
        except SubmissionError as error:
            raise SubmissionError(
                f"{group.title}: {error}. Of this plan's {counted(len(groups), 'job')} none is "
                "left in the queue. Change what Slurm names and give the same command again"
            ) from error
        record.add(group, job_id.partition(";")[0])  # `ID;CLUSTER` on federations


def _already(name: str, root: Path) -> str | None:
    """Number of the job called `name` that waits; before a submission there was none."""
    found = (active_jobs([name], root) or {}).get(name, [])
    return found[0] if found else None


def _announce(batch: Batch, job_ids: dict[int, str]) -> None:
    """Tells every run its job, and links the logs of an array's task into the run's folder."""
    for request in batch.requests:
        job_id = job_ids[request.job.number]
        run = request.job.run_dir
        before = read_status(run) or RunStatus(state="pending")
        if before.state != "finished":  # a finished run may only have to be evaluated
            before = replace(
                before, state="pending", message="", exit_code=None, started_at=None, ended_at=None
            )
        worker_job = WorkerJob(executor="slurm", job_id=job_id)
        write_status(run, replace(before, process=waiting_in(worker_job)))
        if batch.is_array:
            _link_logs(batch, request, job_id)


def _link_logs(batch: Batch, request: SlurmRequest, number: str) -> None:
    for link in stage_logs(request.job.run_dir, request.job.name, number):
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(batch.folder / f"array_{number}{link.suffix}")


def _without_leftovers(folder: Path, groups: Sequence[Batch]) -> tuple[Attempt, ...]:
    """Earlier submissions of the plan, after the jobs of one that was killed are cancelled.

    Raises:
        SubmissionError: Jobs of these runs are in the queue already.
    """
    attempts = read_attempts(folder)
    ask = partial(
        active_jobs, [group.name for group in groups], folder.parents[1], patience_s=CLEARING_S
    )
    found = ask()
    if found is None:
        call_until_answered(["squeue", "-h", "--me", "-o", "%i"], patience_s=PATIENCE_S)
        found = ask() or {}
    if attempts and attempts[-1].state == "submitting":
        _cancel([job for jobs in found.values() for job in jobs])
        killed = replace(attempts[-1], state="cancelled", message="the submission was killed")
        return (*attempts[:-1], killed)
    if found:
        listed = ", ".join(f"{job} ({name})" for name, jobs in found.items() for job in jobs)
        raise SubmissionError(
            f"plan {folder.name}: its runs are in the queue already, as Slurm job {listed}. "
            f"Look at them: can-train status {folder.name}; or end them: "
            f"can-train cancel {folder.name}"
        )
    return attempts


def _cancel(job_ids: Sequence[str]) -> None:
    if job_ids:
        call_until_answered(["scancel", *dict.fromkeys(job_ids)], patience_s=PATIENCE_S)
