"""What became of a run, from what its worker, Slurm and the job's log say."""

from __future__ import annotations

import pwd
import re
import signal
from dataclasses import dataclass, replace
from typing import Final

from can_train.jobs.slurm.client import SlurmJob
from can_train.runs.state import RunStatus, effective_state

OUT_OF_MEMORY: Final = "out of memory"
TIME_LIMIT: Final = "time limit"
NODE_FAILURE: Final = "node failure"
PREEMPTED: Final = "preempted"
FORGOTTEN: Final = "its job ended, and Slurm has forgotten it"

_REASON_OF_STATE: Final = {
    "OUT_OF_MEMORY": OUT_OF_MEMORY,
    "TIMEOUT": TIME_LIMIT,
    "NODE_FAIL": NODE_FAILURE,
    "PREEMPTED": PREEMPTED,
    "DEADLINE": "deadline",
    "BOOT_FAIL": "its node didn't boot",
}
_REASON_OF_LOG: Final = (
    # Slurm's own lines in a job's log; polling daemons report a memory kill nowhere else.
    (re.compile(r"exceeded (job )?memory limit|oom[-_ ]kill", re.IGNORECASE), OUT_OF_MEMORY),
    (re.compile(r"DUE TO TIME LIMIT"), TIME_LIMIT),
    (re.compile(r"DUE TO NODE FAILURE"), NODE_FAILURE),
    (re.compile(r"DUE TO PREEMPTION"), PREEMPTED),
    (re.compile(r"CANCELLED AT [\w:-]+ \*\*\*"), "cancelled"),
)
_ERROR_NO_LOG: Final = 53
"""Signal number that Slurm shows where a job's folder or log couldn't be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """State of a run and the reason for it."""

    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a run.

    Attributes:
        status: What its worker wrote.
        job: What Slurm says about its job; None: nothing.
        slurm_answers: Whether Slurm could be asked.
        log: End of the job's log.
        blocked: Whether a run that it needs didn't finish.
    """

    status: RunStatus | None
    job: SlurmJob | None = None
    slurm_answers: bool = True
    log: str = ""
    blocked: bool = False


def outcome(evidence: Evidence) -> Outcome:
    """State and reason; where a Slurm job works or worked on the run, Slurm knows best."""
    status, job = evidence.status, evidence.job
    if status is None:
        return Outcome(state="planned")
    if status.state == "finished":
        return _finished(evidence, status, job)
    if status.slurm_job is None:
        seen = effective_state(status)
        return Outcome(state=seen.state, reason=seen.message)
    if job is not None:
        return _ended(evidence, status, job) if job.has_ended else _active(status, job)
    if not evidence.slurm_answers:
        return Outcome(state=status.state, reason=status.message or "Slurm can't be asked")
    return _forgotten(evidence, status)


def _finished(evidence: Evidence, status: RunStatus, job: SlurmJob | None) -> Outcome:
    """The artifact is there; its job may have to evaluate it, too."""
    if job is None or job.state in {"COMPLETED", "COMPLETING"}:
        return Outcome(state="finished")
    if not job.has_ended:
        active = _active(status, job)
        return replace(active, reason=active.reason or "trained")
    ended = _ended(evidence, status, job)
    return replace(ended, reason=f"trained, but not evaluated: {ended.reason}")


def _active(status: RunStatus, job: SlurmJob) -> Outcome:
    if job.state != "PENDING":
        return Outcome(state="running", reason="" if job.state == "RUNNING" else job.state.lower())
    if job.reason == "DependencyNeverSatisfied":
        return Outcome(state="blocked", reason=job.reason)
    words = ["requeued"] if status.started_at is not None else []
    return Outcome(state="pending", reason=", ".join([*words, *([job.reason] * bool(job.reason))]))


def _ended(evidence: Evidence, status: RunStatus, job: SlurmJob) -> Outcome:
    if job.state == "CANCELLED":
        return _cancelled(evidence, status, job)
    if job.state in _REASON_OF_STATE:
        return Outcome(state="failed", reason=_REASON_OF_STATE[job.state])
    if reason_in_log(evidence.log) == OUT_OF_MEMORY:
        return Outcome(state="failed", reason=OUT_OF_MEMORY)
    if status.state == "failed" and status.message:
        return Outcome(state="failed", reason=status.message)
    return Outcome(state="failed", reason=_how_it_ended(job))


def _cancelled(evidence: Evidence, status: RunStatus, job: SlurmJob) -> Outcome:
    if reason_in_log(evidence.log) == OUT_OF_MEMORY:
        return Outcome(state="failed", reason=OUT_OF_MEMORY)
    started = status.started_at is not None
    if not started and not job.by and evidence.blocked:
        return Outcome(state="blocked", reason="a stage that it needs didn't finish")
    who = f" by {_user(job.by)}" if job.by else ""
    return Outcome(state="cancelled", reason=f"cancelled{who}")


def _forgotten(evidence: Evidence, status: RunStatus) -> Outcome:
    """There is no accounting, and the job left the queue."""
    reason = reason_in_log(evidence.log)
    if reason == "cancelled":
        return Outcome(state="cancelled", reason=reason)
    if reason and reason != PREEMPTED:
        return Outcome(state="failed", reason=reason)
    if status.state in {"failed", "cancelled", "blocked"}:
        return Outcome(state=status.state, reason=status.message)
    if status.started_at is None and evidence.blocked:
        return Outcome(state="blocked", reason="a stage that it needs didn't finish")
    return Outcome(state="failed", reason=FORGOTTEN)


def reason_in_log(log: str) -> str:
    """Why Slurm ended the job, from the last line that it wrote into the log; empty: no line."""
    for line in reversed(log.splitlines()):
        if not line.startswith(("slurmstepd", "srun:")):
            continue
        for pattern, reason in _REASON_OF_LOG:
            if pattern.search(line):
                return reason
    return ""


def _how_it_ended(job: SlurmJob) -> str:
    if job.state == "COMPLETED":
        return "its job ended without finishing it"
    code, number = job.exit_code or 0, job.signal or 0
    if number == _ERROR_NO_LOG:
        return "its job couldn't open its folder or log"
    if number or code > 128:
        return f"killed by {_signal_name(number or code - 128)}"
    return f"exit code {code}" if job.exit_code is not None else "its job failed"


def _signal_name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _user(number: str) -> str:
    try:
        return pwd.getpwuid(int(number)).pw_name
    except (KeyError, ValueError):
        return f"user {number}"
