"""What became of a run, from what its worker, Slurm and the job's log say."""

from __future__ import annotations

import pwd
import re
import signal
from dataclasses import replace
from typing import Final

from can_train.jobs.slurm.client import Answers, SlurmJob
from can_train.runs.job_views import OUT_OF_MEMORY, Evidence, JobsView, SeenJob, Verdict

TIME_LIMIT: Final = "time limit"
NODE_FAILURE: Final = "node failure"
PREEMPTED: Final = "preempted"
COMPLETING: Final = "completing"
"""Why a run is said to work whose job has ended and is being cleared away."""

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
    (
        re.compile(r"exceeded (job )?memory limit|oom[-_ ]kill|: out of memory", re.IGNORECASE),
        OUT_OF_MEMORY,
    ),
    (re.compile(r"DUE TO TIME LIMIT"), TIME_LIMIT),
    (re.compile(r"DUE TO NODE FAILURE"), NODE_FAILURE),
    (re.compile(r"DUE TO PREEMPTION"), PREEMPTED),
    (re.compile(r"CANCELLED AT [\w:-]+ \*\*\*"), "cancelled"),
)
_ERROR_NO_LOG: Final = 53
"""Signal number that Slurm shows where a job's folder or log couldn't be opened."""


class SlurmView(JobsView):
    """Slurm's answers, and what they mean for runs.

    Args:
        answers: The answers.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    @property
    def problems(self) -> tuple[str, ...]:
        """Who couldn't be asked, in Slurm's words."""
        return self._answers.problems

    def job(self, job_id: str) -> SeenJob | None:
        """The job; None once it has ended and is forgotten."""
        job = self._answers.jobs.get(job_id)
        if job is None:
            return None if self._answers.reachable else SeenJob(is_active=True)
        return SeenJob(
            is_active=not job.has_ended,
            is_waiting=job.is_waiting,
            restarts=job.restarts,
            node=job.node,
            elapsed_s=job.elapsed_s,
        )

    def verdict(self, job_id: str, evidence: Evidence) -> Verdict:
        """State and reason of the run that the job works or worked on."""
        job = self._answers.jobs.get(job_id)
        if evidence.state == "finished":
            return _finished(evidence, job)
        if job is not None:
            return _ended(evidence, job) if job.has_ended else _active(evidence, job)
        if not self._answers.reachable:
            reason = evidence.message or "Slurm can't be asked"
            return Verdict(state=evidence.state, reason=reason)
        return _forgotten(evidence)


def _finished(evidence: Evidence, job: SlurmJob | None) -> Verdict:
    """The artifact is there; its job may have to evaluate it, too."""
    if job is None or job.state in {"COMPLETED", "COMPLETING"}:
        return Verdict(state="finished")
    if not job.has_ended:
        active = _active(evidence, job)
        return replace(active, reason=active.reason or "trained")
    ended = _ended(evidence, job)
    return replace(ended, reason=f"trained, but not evaluated: {ended.reason}")


def _active(evidence: Evidence, job: SlurmJob) -> Verdict:
    if job.state != "PENDING":
        return Verdict(state="running", reason="" if job.state == "RUNNING" else job.state.lower())
    if job.reason == "DependencyNeverSatisfied":
        return Verdict(state="blocked", reason=job.reason)
    words = ["requeued"] if evidence.started else []
    return Verdict(state="pending", reason=", ".join([*words, *([job.reason] * bool(job.reason))]))


def _ended(evidence: Evidence, job: SlurmJob) -> Verdict:
    if job.state == "CANCELLED":
        return _cancelled(evidence, job)
    if job.state in _REASON_OF_STATE:
        return Verdict(state="failed", reason=_REASON_OF_STATE[job.state])
    if reason_in_log(evidence.log()) == OUT_OF_MEMORY:
        return Verdict(state="failed", reason=OUT_OF_MEMORY)
    if evidence.state == "failed" and evidence.message:
        return Verdict(state="failed", reason=evidence.message)
    return Verdict(state="failed", reason=_how_it_ended(job))


def _cancelled(evidence: Evidence, job: SlurmJob) -> Verdict:
    if reason_in_log(evidence.log()) == OUT_OF_MEMORY:
        return Verdict(state="failed", reason=OUT_OF_MEMORY)
    started = evidence.started
    if not started and not job.by and evidence.blocked:
        return Verdict(state="blocked", reason="a stage that it needs didn't finish")
    who = f" by {_user(job.by)}" if job.by else ""
    return Verdict(state="cancelled", reason=f"cancelled{who}")


def _forgotten(evidence: Evidence) -> Verdict:
    """There is no accounting, and the job left the queue."""
    reason = reason_in_log(evidence.log())
    if reason == "cancelled":
        return Verdict(state="cancelled", reason=reason)
    if reason and reason != PREEMPTED:
        return Verdict(state="failed", reason=reason)
    if evidence.state in {"failed", "cancelled", "blocked"}:
        return Verdict(state=evidence.state, reason=evidence.message)
    if not evidence.started and evidence.blocked:
        return Verdict(state="blocked", reason="a stage that it needs didn't finish")
    return Verdict(state="failed", reason=FORGOTTEN)


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
