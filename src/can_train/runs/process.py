"""Which process did something, and whether it still lives (stdlib only, Linux)."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.jobs.slurm.jobs import find_job, own_job

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, told apart from every other one on any host at any time.

    Attributes:
        host: Name of the host.
        boot_id: Identity of the host's boot; another boot means that the process is gone.
        pid: Process number.
        start_ticks: Start of the process in clock ticks after boot (proc(5), field 22).
        slurm_job: Slurm job that it works in, such as `12` or `12_3`; None outside of jobs.
        restarts: How often that job had been started before.
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int
    slurm_job: str | None = None
    restarts: int = 0

    def __str__(self) -> str:
        if self.slurm_job is None:
            return f"pid {self.pid} on {self.host}"
        return f"Slurm job {self.slurm_job}"


def this_process() -> Process:
    """The calling process."""
    ticks = _start_ticks(os.getpid())
    if ticks is None:
        raise ProcessLookupError(f"/proc/{os.getpid()}/stat can't be read")
    job = own_job()
    return Process(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid=os.getpid(),
        start_ticks=ticks,
        slurm_job=None if job is None else job.job_id,
        restarts=0 if job is None else job.restarts,
    )


def waiting_job(job_id: str) -> Process:
    """Stands for the worker that a submitted job will start."""
    return Process(host="", boot_id="", pid=0, start_ticks=0, slurm_job=job_id)


def is_alive(process: Process) -> bool:
    """Whether `process` still runs.

    On another host a process of a Slurm job lives as long as Slurm says so; any other one counts
    as alive, for nobody can be asked.
    """
    if process.host != socket.gethostname():
        return process.slurm_job is None or _job_runs(process)
    if process.boot_id != _boot_id():
        return False
    return _start_ticks(process.pid) == process.start_ticks


def is_expected(process: Process) -> bool:
    """Whether `process` lives, or its Slurm job is in the queue and will go on with its work."""
    if process.pid and is_alive(process):
        return True
    if process.slurm_job is None:
        return False
    job = find_job(process.slurm_job)
    return job is not None and job.is_active


def _job_runs(process: Process) -> bool:
    """Whether the job is still in the attempt to which `process` belongs."""
    mine = own_job()
    if mine is not None and mine.job_id == process.slurm_job:
        return mine.restarts == process.restarts
    job = find_job(process.slurm_job or "")
    if job is None or process.pid == 0 or not job.state:
        return job is not None and job.is_active
    return job.is_active and job.restarts == process.restarts and not job.is_waiting


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
