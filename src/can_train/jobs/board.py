"""One row per run: what its worker wrote, joined with what Slurm says."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.jobs.executor import Job
from can_train.jobs.slurm.client import SlurmJob, SlurmView, view_jobs
from can_train.jobs.slurm.outcome import Evidence, Outcome, outcome
from can_train.runs.layout import stage_logs
from can_train.runs.state import RunStatus, read_status

LOG_TAIL: Final = 65_536
"""Bytes at the end of a log in which Slurm's own lines are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one run stands.

    Attributes:
        job: The run.
        state, reason: See `outcome`.
        elapsed_s: Seconds of its latest attempt; None: it never started.
        epoch, epochs, metric, value: Progress so far.
        node: Where it works or worked; empty here and where nobody knows.
        slurm_job: Number of its Slurm job; None: it ran without one.
        log: Its latest log; None: there is none.
    """

    job: Job
    state: str
    reason: str
    elapsed_s: float | None
    epoch: int
    epochs: int
    metric: str | None
    value: float | None
    node: str
    slurm_job: str | None
    log: Path | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or works."""
        return self.state in {"pending", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Rows in the order of the jobs, and why some of them may be stale."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()


def board_of(jobs: Sequence[Job]) -> Board:
    """How `jobs` stand, which have different numbers; Slurm is asked once for all of them."""
    statuses = [read_status(job.run_dir) for job in jobs]
    view = view_jobs([s.slurm_job for s in statuses if s is not None and s.slurm_job])
    rows: dict[int, Row] = {}
    for job, status in zip(jobs, statuses, strict=True):
        needed = [rows[number].state for number in job.depends_on if number in rows]
        blocked = any(state in {"failed", "cancelled", "blocked"} for state in needed)
        rows[job.number] = _row(job, status, view, blocked=blocked)
    return Board(rows=tuple(rows.values()), problems=view.problems)


def latest_log(job: Job, status: RunStatus | None) -> Path | None:
    """The log of the run's latest attempt, standard error; None: there is none."""
    name = "local" if status is None or status.slurm_job is None else status.slurm_job
    _, log = stage_logs(job.run_dir, job.name, name)
    return log if log.is_file() else None


def _row(job: Job, status: RunStatus | None, view: SlurmView, *, blocked: bool) -> Row:
    slurm = None if status is None or status.slurm_job is None else view.jobs.get(status.slurm_job)
    log = latest_log(job, status)
    known = status or RunStatus(state="pending")
    done = known.state == "finished" and (slurm is None or slurm.state == "COMPLETED")
    found = outcome(
        Evidence(
            status=status,
            job=slurm,
            slurm_answers=view.reachable,
            log="" if log is None or done else _tail(log),
            blocked=blocked,
        )
    )
    return Row(
        job=job,
        state=found.state,
        reason=" ".join(found.reason.split()),
        elapsed_s=_elapsed(known, slurm, found),
        epoch=known.epoch,
        epochs=known.epochs,
        metric=known.metric or None,
        value=known.value,
        node=_node(known, slurm),
        slurm_job=known.slurm_job,
        log=log,
    )


def _elapsed(status: RunStatus, slurm: SlurmJob | None, found: Outcome) -> float | None:
    if slurm is not None and slurm.elapsed_s:
        return slurm.elapsed_s
    if status.started_at is None:
        return None
    if status.ended_at is not None:
        return max(0.0, status.ended_at - status.started_at)
    return max(0.0, time.time() - status.started_at) if found.state == "running" else None


def _node(status: RunStatus, slurm: SlurmJob | None) -> str:
    if slurm is not None:
        return slurm.node
    return status.process.host if status.process is not None else ""


def _tail(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - LOG_TAIL))
        return stream.read().decode("utf-8", errors="replace")
