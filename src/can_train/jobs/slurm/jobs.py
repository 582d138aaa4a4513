"""What Slurm's controller says about one job (stdlib only)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ENDED_STATES: Final = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    }
)  # fmt: skip
"""States in which nothing more happens to a job (squeue(1), JOB STATE CODES)."""

UNKNOWN_JOB: Final = "Invalid job id specified"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job.

    Attributes:
        job_id: Its number; `ARRAY_TASK` for a task of an array.
        state: Slurm's word; empty where nobody could be asked.
        restarts: How often it had been started before.
    """

    job_id: str
    state: str = ""
    restarts: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it is in the queue or works; also where nobody could be asked."""
        return self.state not in ENDED_STATES

    @property
    def is_waiting(self) -> bool:
        """Whether it is in the queue."""
        return self.state in {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"}


def own_job(environ: Mapping[str, str] = os.environ) -> JobRecord | None:
    """The job that this process belongs to; None outside of jobs."""
    job = environ.get("SLURM_JOB_ID")
    if not job:
        return None
    array, task = environ.get("SLURM_ARRAY_JOB_ID"), environ.get("SLURM_ARRAY_TASK_ID")
    restarts = int(environ.get("SLURM_RESTART_COUNT", "0"))  # unset in the first attempt
    job_id = f"{array}_{task}" if array and task else job
    return JobRecord(job_id=job_id, state="RUNNING", restarts=restarts)


def find_job(job_id: str) -> JobRecord | None:
    """The job as the controller knows it; None once it has forgotten it."""
    try:
        done = subprocess.run(
            ["scontrol", "-o", "show", "job", job_id], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return JobRecord(job_id=job_id)  # this machine can't ask
    if done.returncode:
        return None if UNKNOWN_JOB in done.stderr else JobRecord(job_id=job_id)
    state = re.search(r" JobState=(\S+)", done.stdout)
    restarts = re.search(r" Restarts=(\d+)", done.stdout)
    return JobRecord(
        job_id=job_id,
        state=state[1] if state else "",
        restarts=int(restarts[1]) if restarts else 0,
    )
