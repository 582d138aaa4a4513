"""The state machine of a run: `status.json`, and who owns the run (stdlib only)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Final, Literal, get_args

from can_train.errors import ArtifactError, PreflightError
from can_train.files import read_object, write_text
from can_train.runs.layout import owner_path, status_path
from can_train.runs.process import Process, is_alive, is_expected, this_process

State = Literal["pending", "running", "finished", "failed", "cancelled", "blocked"]
STATES: Final[tuple[str, ...]] = get_args(State)
DIED: Final = "process died"
REQUEUED: Final = "requeued"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """Contents of `status.json`.

    Attributes:
        state: pending (its launcher will start it), running, finished, failed, cancelled (by the
            user) or blocked (an ancestor failed, so it never started).
        process: The worker; while pending its launcher.
        epoch, epochs: Finished epochs, and the most there can be.
        metric, value: Name and last value of the validation figure.
        parents: sha256 of each artifact that the run consumed, by role (teacher, vgae, gat).
        exit_code: Of the worker; negative when a signal ended it.
        message: Why it failed, was blocked or cancelled.
        started_at, ended_at: Of its latest attempt, in seconds since 1970.
    """

    state: State
    process: Process | None = None
    epoch: int = 0
    epochs: int = 0
    metric: str | None = None
    value: float | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    message: str = ""
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def slurm_job(self) -> str | None:
        """Slurm job that worked on the run last, or will."""
        return None if self.process is None else self.process.slurm_job


def read_status(run: Path) -> RunStatus | None:
    """The status as written, or None for a run that never had one.

    Raises:
        ArtifactError: `status.json` is damaged.
    """
    path = status_path(run)
    if not path.exists():
        return None
    raw = read_object(path)
    process = raw.get("process")
    known = {item.name for item in fields(RunStatus)}
    if raw.get("state") not in STATES or not set(raw) <= known:
        raise ArtifactError(f"{path}: not a status of this version. Remove it and run again.")
    if isinstance(process, dict):
        raw["process"] = Process(**process)
    return RunStatus(**raw)  # type: ignore[arg-type]  # written by write_status only


def write_status(run: Path, status: RunStatus) -> None:
    """Replaces `status.json` atomically."""
    write_text(status_path(run), json.dumps(asdict(status), indent=1, sort_keys=True) + "\n")


def effective_state(status: RunStatus) -> RunStatus:
    """The status after a look at the process: one that died while running has failed."""
    if status.state not in {"pending", "running"}:
        return status
    if status.process is None or is_alive(status.process):
        return status
    if is_expected(status.process):
        return replace(status, state="pending", message=REQUEUED)
    if status.state == "running":
        why = DIED
    else:
        what = "launcher died" if status.slurm_job is None else "job ended"
        why = f"its {what} before it started"
    return replace(status, state="failed", message=f"{why} ({_who(status.process)})")


def current_status(run: Path) -> RunStatus | None:
    """`read_status` and `effective_state` in one."""
    status = read_status(run)
    return None if status is None else effective_state(status)


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
    run: Path, state: State, *, exit_code: int | None = None, message: str = ""
) -> None:
    """Moves the run into a state in which nothing works on it any more."""
    before = read_status(run) or RunStatus(state=state)
    ended = {"exit_code": exit_code, "message": message, "ended_at": time.time()}
    write_status(run, replace(before, state=state, **ended))  # type: ignore[arg-type]


def update_progress(
    run: Path, *, epoch: int, epochs: int, metric: str | None = None, value: float | None = None
) -> None:
    """Records a finished epoch and the validation figure after it."""
    before = read_status(run) or RunStatus(state="running", process=this_process())
    write_status(run, replace(before, epoch=epoch, epochs=epochs, metric=metric, value=value))


def record_parents(run: Path, parents: Mapping[str, str]) -> None:
    """Records the sha256 of every artifact that the run found and consumed, by role."""
    before = read_status(run) or RunStatus(state="running", process=this_process())
    write_status(run, replace(before, parents=dict(parents)))


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

    The link below is an exclusive create with contents. A stale owner is only removed under a
    lock, after a second look, so that a living owner can never be removed.

    Raises:
        PreflightError: A living process owns the run.
    """
    run.mkdir(parents=True, exist_ok=True)
    if _create_owner(run):
        return
    with (run / "owner.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        owner = read_owner(run)
        if owner is not None and is_alive(owner):
            raise _owned_by(run, owner)
        owner_path(run).unlink(missing_ok=True)
        if not _create_owner(run):  # somebody who never saw the stale owner came first
            raise _owned_by(run, read_owner(run))


def read_owner(run: Path) -> Process | None:
    """Process that owns the run or died owning it."""
    try:
        raw = read_object(owner_path(run))
    except FileNotFoundError:
        return None
    return Process(**raw)  # type: ignore[arg-type]  # written by _create_owner only


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
    temporary = run / f".owner-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.write_text(json.dumps(asdict(this_process())), encoding="utf-8")
    try:
        os.link(temporary, owner_path(run))
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _who(process: Process) -> str:
    return f"pid {process.pid}" if process.slurm_job is None else str(process)


def _owned_by(run: Path, owner: Process | None) -> PreflightError:
    who = "another process" if owner is None else owner
    return PreflightError(
        f"run {run.name} is being trained by {who}. Wait for it (can-train status {run.name}), "
        "or end that process and give the same command again"
    )
