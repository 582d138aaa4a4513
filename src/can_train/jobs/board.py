"""One row per run: what its worker wrote, joined with what the executor of its job says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from can_train.errors import ArtifactError
from can_train.jobs.executor import HERE
from can_train.jobs.job import Job
from can_train.runs.job_views import JobsView, SeenJob, WorkerJob
from can_train.runs.jobs import views_of
from can_train.runs.layout import log_of
from can_train.runs.state import RunStatus, read_status, verdict_of

DAMAGED: Final = "damaged"
"""State of a run or plan whose record can't be read."""

_FIRST: Final = (DAMAGED, "running", "pending", "failed", "cancelled", "blocked", "planned")
"""The first of these that one of its runs is in is the state of a plan; else it has finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one run stands.

    Attributes:
        job: The run.
        state, reason: See `runs.state.verdict_of`; `damaged` and why if its status can't be read.
        elapsed_s: Seconds of its latest attempt; None: it never started.
        epoch, epochs, metric, value: Progress so far.
        node: Where it works or worked; empty where nobody knows.
        worker_job: The executor's job that works or worked on it; None: it ran without one.
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
    worker_job: WorkerJob | None
    log: Path | None

    @property
    def is_active(self) -> bool:
        """Whether it waits or works."""
        return self.state in {"pending", "running"}

    @property
    def is_damaged(self) -> bool:
        """Whether its status can't be read."""
        return self.state == DAMAGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Rows in the order of the jobs, and why some of them may be stale."""

    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()


def board_of(jobs: Sequence[Job]) -> Board:
    """How `jobs` stand, which have different numbers; each executor is asked once for its own."""
    problems_of: dict[int, str] = {}
    statuses = [_read(job, problems_of) for job in jobs]
    views = views_of([s.job for s in statuses if s is not None and s.job is not None])
    rows: dict[int, Row] = {}
    for job, status in zip(jobs, statuses, strict=True):
        if job.number in problems_of:
            rows[job.number] = _damaged(job, problems_of[job.number])
            continue
        needed = [rows[number].state for number in job.depends_on if number in rows]
        blocked = any(state in {"failed", "cancelled", "blocked"} for state in needed)
        view = None if status is None or status.job is None else views[status.job.executor]
        rows[job.number] = _row(job, status, view, blocked=blocked)
    problems = [f"{name.capitalize()} says: {p}" for name, v in views.items() for p in v.problems]
    return Board(rows=tuple(rows.values()), problems=tuple(problems))


def state_of(rows: Sequence[Row]) -> str:
    """State of a plan, from how its runs stand."""
    found = {row.state for row in rows}
    return next((state for state in _FIRST if state in found), "finished")


def _read(job: Job, problems: dict[int, str]) -> RunStatus | None:
    """What its worker wrote; why that can't be read goes into `problems`."""
    try:
        return read_status(job.run_dir)
    except ArtifactError as error:
        problems[job.number] = str(error)
    except OSError as error:
        problems[job.number] = f"{error.filename}: can't be read ({error.strerror})"
    return None


def _damaged(job: Job, why: str) -> Row:
    row = _row(job, None, None, blocked=False)
    return replace(row, state=DAMAGED, reason=why)


def _row(job: Job, status: RunStatus | None, view: JobsView | None, *, blocked: bool) -> Row:
    known = status or RunStatus(state="pending")
    worker_job = known.job
    seen = None if view is None or worker_job is None else view.job(worker_job.job_id)
    found = verdict_of(job.run_dir, status, view, blocked=blocked)
    return Row(
        job=job,
        state=found.state,
        reason=" ".join(found.reason.split()),
        elapsed_s=_elapsed(known, seen, found.state),
        epoch=known.epoch,
        epochs=known.epochs,
        metric=known.metric or None,
        value=known.value,
        node=_node(known, seen),
        worker_job=worker_job,
        log=log_of(job.run_dir, HERE if worker_job is None else worker_job.job_id),
    )


def _elapsed(status: RunStatus, seen: SeenJob | None, state: str) -> float | None:
    if seen is not None and seen.elapsed_s:
        return seen.elapsed_s
    if status.started_at is None:
        return None
    if status.ended_at is not None:
        return max(0.0, status.ended_at - status.started_at)
    return max(0.0, time.time() - status.started_at) if state == "running" else None


def _node(status: RunStatus, seen: SeenJob | None) -> str:
    if seen is not None and seen.node:
        return seen.node
    return status.process.host if status.process is not None else ""
