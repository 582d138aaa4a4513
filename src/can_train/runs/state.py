"""The state machine of a run: `status.json`, and who owns the run (stdlib only)."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from can_train.errors import ArtifactError, PreflightError
from can_train.files import (
    link_exclusively,
    lock,
    point_link,
    read_object,
    sealed,
    unsealed,
    write_text,
)
from can_train.runs.job_views import Evidence, JobsView, Verdict, WorkerJob
from can_train.runs.jobs import view_of
from can_train.runs.layout import latest_link, log_of, owner_lock, owner_path, status_path
from can_train.runs.process import (
    Process,
    is_alive,
    is_expected,
    process_document,
    process_from,
    this_process,
)

State = Literal["pending", "running", "finished", "failed", "cancelled", "blocked"]
STATES: Final[tuple[str, ...]] = get_args(State)
DIED: Final = "process died"
REQUEUED: Final = "requeued"
PRUNED: Final = "pruned"
"""How the reason of a run begins that a search gave up, since others were better by then."""

_WAY_OUT: Final = "Remove it, and give the command that made the run again"
LOG_TAIL: Final = 65_536
"""Bytes at the end of a log in which the executor's own lines are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """Contents of `status.json`.

    Attributes:
        state: pending (its launcher will start it), running, finished, failed, cancelled (by the
            user) or blocked (an ancestor failed, so it never started).
        process: The worker; while pending its launcher.
        epoch, epochs: Finished epochs, and the most there can be.
        step, steps: Steps of the current epoch that are done, and how many it has.
        metric, value: Name and last value of the validation figure.
        parents: sha256 of each artifact that the run consumed, by role (teacher, vgae, gat).
        exit_code: Of the worker; negative when a signal ended it.
        message: Why it failed, was blocked or cancelled.
        started_at, ended_at: Of its latest attempt, in seconds since 1970.
        made: sha256 of each file that the finished run made, by its path in the run's folder.
    """

    state: State
    process: Process | None = None
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    metric: str | None = None
    value: float | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def job(self) -> WorkerJob | None:
        """The executor's job that worked on the run last, or will."""
        return None if self.process is None else self.process.job


def read_status(run: Path) -> RunStatus | None:
    """The status as written, or None for a run that never had one.

    Raises:
        ArtifactError: `status.json` is damaged.
    """
    path = status_path(run)
    if not path.exists():
        return None
    raw = unsealed(path, read_object(path, _WAY_OUT), way_out=_WAY_OUT)
    known = {item.name for item in fields(RunStatus)}
    made = raw.get("made", {})
    if (
        raw.get("state") not in STATES
        or not set(raw) <= known
        or not isinstance(made, dict)
        or not all(isinstance(sha256, str) for sha256 in made.values())
    ):
        raise ArtifactError(f"{path}: not a status of this version. {_WAY_OUT}")
    if raw.get("process") is not None:
        raw["process"] = process_from(raw["process"], path)
    return RunStatus(**raw)


def write_status(run: Path, status: RunStatus) -> None:
    """Replaces `status.json` atomically."""
    document = asdict(replace(status, process=None))
    if status.process is not None:
        document["process"] = process_document(status.process)
    # A figure may be NaN: training that diverges says so.
    write_text(status_path(run), json.dumps(sealed(document), indent=1, sort_keys=True) + "\n")


def verdict_of(
    run: Path, status: RunStatus | None, view: JobsView | None = None, *, blocked: bool = False
) -> Verdict:
    """State of a run and the reason: the one answer to how it stands.

    Where a job works or worked on it, the job's executor knows best; elsewhere a process that died
    while the run was running has failed.

    Args:
        run: Folder of the run.
        status: What its worker wrote.
        view: What the executor of its job says; None: it is asked.
        blocked: Whether a run that it needs didn't finish.
    """
    if status is None:
        return Verdict(state="planned")
    job = status.job
    if job is None:
        return _by_process(status)
    evidence = Evidence(
        state=status.state,
        message=status.message,
        started=status.started_at is not None,
        log=lambda: _tail(log_of(run, job.job_id)),
        blocked=blocked,
    )
    return (view or view_of(job)).verdict(job.job_id, evidence)


def current_status(run: Path) -> RunStatus | None:
    """The status after a look at who works on the run; what a worker ended with stands."""
    status = read_status(run)
    if status is None or status.state not in {"pending", "running"}:
        return status
    found = verdict_of(run, status)
    return replace(status, state=cast(State, found.state), message=found.reason)


def _by_process(status: RunStatus) -> Verdict:
    process = status.process
    if status.state not in {"pending", "running"} or process is None or is_alive(process):
        return Verdict(state=status.state, reason=status.message)
    why = DIED if status.state == "running" else "its launcher died before it started"
    return Verdict(state="failed", reason=f"{why} (pid {process.pid})")


def _tail(log: Path | None) -> str:
    if log is None:
        return ""
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - LOG_TAIL))
        return stream.read().decode("utf-8", errors="replace")


def start_running(run: Path) -> None:
    """Marks the run as running in this process; progress of an earlier attempt is kept."""
    before = read_status(run) or RunStatus(state="running")
    write_status(
        run,
        replace(
            before,
            state="running",
            process=this_process(),
            exit_code=None,
            message="",
            started_at=time.time(),
            ended_at=None,
        ),
    )


def end_running(
    run: Path,
    state: State,
    *,
    exit_code: int | None = None,
    message: str = "",
    made: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Moves the run into a state in which nothing works on it any more."""
    before = read_status(run) or RunStatus(state=state)
    ended = replace(
        before,
        state=state,
        exit_code=exit_code,
        message=message,
        ended_at=time.time(),
        made=dict(made),
    )
    write_status(run, ended)


def update_progress(
    run: Path, *, epoch: int, epochs: int, metric: str | None = None, value: float | None = None
) -> None:
    """Records a finished epoch and the validation figure after it."""
    before = read_status(run) or RunStatus(state="running", process=this_process())
    after = replace(before, epoch=epoch, epochs=epochs, step=0, metric=metric, value=value)
    write_status(run, after)


def update_step(run: Path, *, epoch: int, epochs: int, step: int, steps: int) -> None:
    """Records how far the current epoch is."""
    before = read_status(run) or RunStatus(state="running", process=this_process())
    write_status(run, replace(before, epoch=epoch, epochs=epochs, step=step, steps=steps))


def record_parents(run: Path, parents: Mapping[str, str]) -> None:
    """Records the sha256 of every artifact that the run found and consumed, by role."""
    before = read_status(run) or RunStatus(state="running", process=this_process())
    write_status(run, replace(before, parents=dict(parents)))


def point_latest(run: Path) -> None:
    """Points the `latest` link beside `run` at it, atomically."""
    point_link(latest_link(run), run.name)


@contextlib.contextmanager
def owned(run: Path) -> Iterator[None]:
    """Owns `run` while the block lasts.

    Raises:
        PreflightError: A living process owns it.
    """
    acquire(run)
    try:
        yield
    finally:
        owner_path(run).unlink(missing_ok=True)


def acquire(run: Path) -> None:
    """Makes this process the owner of `run`; a dead owner is replaced.

    A stale owner is only removed under a lock, after a second look, so that a living owner can
    never be removed.

    Raises:
        PreflightError: A living process owns the run.
    """
    run.mkdir(parents=True, exist_ok=True)
    if _create_owner(run):
        return
    with lock(owner_lock(run)):
        owner = read_owner(run)
        if owner is not None and is_alive(owner):
            raise _owned_by(run, owner)
        owner_path(run).unlink(missing_ok=True)
        if not _create_owner(run):  # somebody who never saw the stale owner came first
            raise _owned_by(run, read_owner(run))


def read_owner(run: Path) -> Process | None:
    """Process that owns the run or died owning it."""
    path = owner_path(run)
    try:
        return process_from(read_object(path), path)
    except FileNotFoundError:
        return None


def living_owner(run: Path) -> Process | None:
    """Process that owns the run and lives."""
    owner = read_owner(run)
    return owner if owner is not None and is_alive(owner) else None


def claimant(run: Path) -> Process | None:
    """A living process that works on `run` or said that it will."""
    owner = living_owner(run)
    if owner is not None:
        return owner
    status = read_status(run)
    if status is None or status.state not in {"pending", "running"} or status.process is None:
        return None
    return status.process if is_expected(status.process) else None


def _create_owner(run: Path) -> bool:
    return link_exclusively(owner_path(run), json.dumps(process_document(this_process())))


def _owned_by(run: Path, owner: Process | None) -> PreflightError:
    who = "another process" if owner is None else owner
    return PreflightError(
        f"run {run.name} is being trained by {who}. Wait for it (can-train status {run.name}), "
        "or end that process and give the same command again"
    )
