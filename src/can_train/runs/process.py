"""Which process did something, and whether it still lives (stdlib only, Linux)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.errors import ArtifactError
from can_train.runs.job_views import WorkerJob
from can_train.runs.jobs import own_job, view_of

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_JOB: Final = "_job"
"""End of the JSON key that holds a job's number; the executor's name stands before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, told apart from every other one on any host at any time.

    Attributes:
        host: Name of the host.
        boot_id: Identity of the host's boot; another boot means that the process is gone.
        pid: Process number.
        start_ticks: Start of the process in clock ticks after boot (proc(5), field 22).
        job: The executor's job that it works in; None outside of jobs.
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int
    job: WorkerJob | None = None

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}" if self.job is None else str(self.job)


def process_document(process: Process) -> dict[str, object]:
    """The process as JSON values; the number of its job stands under `<executor>_job`."""
    document: dict[str, object] = {
        "host": process.host,
        "boot_id": process.boot_id,
        "pid": process.pid,
        "start_ticks": process.start_ticks,
    }
    if process.job is not None:
        document[process.job.executor + _JOB] = process.job.job_id
        document["restarts"] = process.job.restarts
    return document


def process_from(document: object, path: Path) -> Process:
    """The process that `process_document` described.

    Args:
        document: JSON values.
        path: Their file, for messages.

    Raises:
        ArtifactError: They describe no process.
    """
    if not isinstance(document, Mapping):
        raise _not_a_process(path)
    host, boot_id = document.get("host"), document.get("boot_id")
    pid, ticks = document.get("pid"), document.get("start_ticks")
    if not (
        isinstance(host, str)
        and isinstance(boot_id, str)
        and isinstance(pid, int)
        and isinstance(ticks, int)
    ):
        raise _not_a_process(path)
    return Process(
        host=host, boot_id=boot_id, pid=pid, start_ticks=ticks, job=_job_in(document, path)
    )


def this_process() -> Process:
    """The calling process."""
    ticks = _start_ticks(os.getpid())
    if ticks is None:
        raise ProcessLookupError(f"/proc/{os.getpid()}/stat can't be read")
    return Process(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid=os.getpid(),
        start_ticks=ticks,
        job=own_job(),
    )


def waiting_in(job: WorkerJob) -> Process:
    """Stands for the worker that a submitted job will start."""
    return Process(host="", boot_id="", pid=0, start_ticks=0, job=job)


def is_alive(process: Process) -> bool:
    """Whether `process` still runs.

    On another host a process of a job lives as long as the job's executor says so; any other one
    counts as alive, for nobody can be asked.
    """
    if process.host != socket.gethostname():
        return process.job is None or _job_runs(process, process.job)
    if process.boot_id != _boot_id():
        return False
    return _start_ticks(process.pid) == process.start_ticks


def is_expected(process: Process) -> bool:
    """Whether `process` lives, or its job is in the queue and will go on with its work."""
    if process.pid and is_alive(process):
        return True
    if process.job is None:
        return False
    seen = view_of(process.job).job(process.job.job_id)
    return seen is not None and seen.is_active


def _job_runs(process: Process, job: WorkerJob) -> bool:
    """Whether the job is still in the attempt to which `process` belongs."""
    mine = own_job()
    if mine is not None and (mine.executor, mine.job_id) == (job.executor, job.job_id):
        return mine.restarts == job.restarts
    seen = view_of(job).job(job.job_id)
    if seen is None or process.pid == 0 or seen.restarts is None:
        return seen is not None and seen.is_active
    return seen.is_active and seen.restarts == job.restarts and not seen.is_waiting


def _job_in(document: Mapping[str, object], path: Path) -> WorkerJob | None:
    """The job in the description of a process; one without a job may hold null."""
    restarts = document.get("restarts", 0)
    for key, job_id in document.items():
        if key.endswith(_JOB) and job_id is not None:
            if not isinstance(job_id, str) or not isinstance(restarts, int):
                raise _not_a_process(path)
            return WorkerJob(executor=key.removesuffix(_JOB), job_id=job_id, restarts=restarts)
    return None


def _not_a_process(path: Path) -> ArtifactError:
    return ArtifactError(f"{path}: describes no process of this version. Remove it and run again.")


def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _start_ticks(pid: int) -> int | None:
    """Start time of a living process; None for one that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name in brackets may hold blanks
    return None if fields[0] in {"Z", "X"} else int(fields[19])
