"""Asks Slurm: which jobs there are, and what became of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from can_train.errors import SubmissionError
from can_train.jobs.slurm.jobs import ENDED_STATES, UNKNOWN_JOB
from can_train.jobs.slurm.script import walltime_s

TRANSIENT: Final = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted or received",
    "Resource temporarily unavailable",
    "temporarily unable to accept job",
    "Slurm backup controller in standby mode",
    "Slurm controller not responding",
    "Transport endpoint is not connected",
    "Connection refused",
    "Connection reset by peer",
)
"""Words of failures after which the same request may succeed."""

NO_ACCOUNTING: Final = "accounting storage is disabled"
"""What sacct says on a cluster that keeps no books."""

_SQUEUE: Final = "%i|%T|%M|%N|%r"
_SACCT: Final = "JobID,State,ExitCode,ElapsedRaw,NodeList"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """What Slurm says about one job.

    Attributes:
        job_id: Its number, `ARRAY_TASK` in an array.
        state: Slurm's word, without what follows it.
        by: Who cancelled it: a user's number; empty otherwise.
        reason: Why it waits.
        node: Where it works or worked.
        elapsed_s: Seconds of its latest attempt.
        exit_code, signal: Of the job; None as long as nobody has told.
    """

    job_id: str
    state: str
    by: str = ""
    reason: str = ""
    node: str = ""
    elapsed_s: int = 0
    exit_code: int | None = None
    signal: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmView:
    """Answers about several jobs.

    Attributes:
        jobs: By job number; those that Slurm has forgotten are missing.
        problems: Who couldn't be asked, in Slurm's words.
        reachable: Whether the controller answered: a job that is missing then has ended.
    """

    jobs: dict[str, SlurmJob] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    reachable: bool = True


def call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs one of Slurm's commands.

    Raises:
        SubmissionError: The command isn't here.
    """
    try:
        return subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError as error:
        raise SubmissionError(
            f"{command[0]}: no such command, so there is no Slurm on this machine. "
            "Log in where jobs are submitted, or use --local"
        ) from error


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command said, in one line."""
    text = "; ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
    return text or f"exit code {done.returncode}"


def is_transient(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether the same command may succeed later."""
    return done.returncode != 0 and any(words in done.stderr for words in TRANSIENT)


def view_jobs(job_ids: Iterable[str]) -> SlurmView:
    """Everything that the queue and the accounting say about `job_ids`.

    The queue is asked for living jobs: the accounting lags. The accounting is asked for ended
    ones, which the queue forgets after some minutes; what it says about a job's life is stale
    where the queue answers.
    """
    ids = sorted(set(job_ids))
    if not ids:
        return SlurmView()
    try:
        queue = call(["squeue", "-h", "-r", "-t", "all", "-o", _SQUEUE, "-j", ",".join(ids)])
        books = call(["sacct", "-n", "-P", "-X", "-o", _SACCT, "-j", ",".join(ids)])
    except SubmissionError as error:
        return SlurmView(problems=(str(error),), reachable=False)
    problems = [words_of(done) for done in (queue, books) if done.returncode]
    problems = [words for words in problems if NO_ACCOUNTING not in words]
    if UNKNOWN_JOB in queue.stderr:  # how it answers for a single forgotten job
        problems.remove(words_of(queue))
    reachable = queue.returncode == 0 or UNKNOWN_JOB in queue.stderr
    jobs = {job.job_id: job for line in books.stdout.splitlines() if (job := _booked(line))}
    if reachable:
        jobs = {name: job for name, job in jobs.items() if job.has_ended}
    for line in queue.stdout.splitlines():
        job = _queued(line)
        known = jobs.get(job.job_id)
        if job.has_ended and known is not None:
            job = replace(job, exit_code=known.exit_code, signal=known.signal, by=known.by)
        elif job.has_ended and books.returncode:
            job = _with_exit_code(job)
        jobs[job.job_id] = job
    wanted = {name: job for name, job in jobs.items() if name in ids}
    return SlurmView(jobs=wanted, problems=tuple(problems), reachable=reachable)


def active_jobs(names: Sequence[str]) -> dict[str, list[str]] | None:
    """Numbers of the user's jobs that wait or work, by job name; None: nobody can be asked."""
    done = call(["squeue", "-h", "--me", "-o", "%F|%j", "-n", ",".join(names)])
    if done.returncode:
        return None
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        job_id, _, name = line.partition("|")
        if job_id not in found.setdefault(name, []):
            found[name].append(job_id)
    return found


def _queued(line: str) -> SlurmJob:
    job_id, state, elapsed, node, reason = line.split("|", 4)
    return SlurmJob(
        job_id=job_id,
        state=state,
        reason="" if reason == "None" else reason,
        node=node,
        elapsed_s=walltime_s(elapsed) or 0,
    )


def _booked(line: str) -> SlurmJob | None:
    fields = line.split("|")
    if len(fields) != len(_SACCT.split(",")):
        return None
    job_id, state, exit_code, elapsed, node = fields
    word, _, by = state.partition(" by ")
    code, _, number = exit_code.partition(":")
    return SlurmJob(
        job_id=job_id,
        state=word.strip(),
        by=by.strip(),
        node="" if node == "None assigned" else node,
        elapsed_s=int(elapsed or 0),
        exit_code=int(code or 0),
        signal=int(number or 0),
    )


def _with_exit_code(job: SlurmJob) -> SlurmJob:
    """Exit code of a job that ended, from the controller: there is no accounting."""
    done = call(["scontrol", "-o", "show", "job", job.job_id])
    _, found, rest = done.stdout.partition(" ExitCode=")
    code, _, number = rest.partition(" ")[0].partition(":")
    if not found:
        return job
    return replace(job, exit_code=int(code), signal=int(number))
