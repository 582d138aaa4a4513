"""Asks Slurm: which jobs there are, and what became of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from can_train.errors import SubmissionError
from can_train.jobs.slurm.limits import walltime_s

ENDED_STATES: Final = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "REVOKED", "TIMEOUT",
    }
)  # fmt: skip
"""States in which nothing more happens to a job (squeue(1), JOB STATE CODES)."""

WAITING_STATES: Final = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"})
UNKNOWN_JOB: Final = "Invalid job id specified"

TRANSIENT: Final = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted or received",
    "Resource temporarily unavailable",
    "temporarily unable to accept job",
    "try again in a bit",  # the accounting is still giving the job its number
    "Slurm backup controller in standby mode",
    "Slurm controller not responding",
    "Transport endpoint is not connected",
    "Connection refused",
    "Connection reset by peer",
)
"""Words of failures after which the same request may succeed."""

BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between two tries; the last one is repeated."""

NO_ACCOUNTING: Final = "accounting storage is disabled"
"""What sacct says on a cluster that keeps no books."""

_SQUEUE: Final = ",".join(
    f"{name}:{width}|"
    for name, width in (
        ("JobArrayID", 64), ("State", 32), ("RestartCnt", 16), ("TimeUsed", 32), ("NodeList", 400),
        ("Reason", 400),
    )
)  # fmt: skip
"""Fields in columns of their own width, for some versions cut off what is longer than 20."""

_SACCT: Final = "JobID,State,ExitCode,ElapsedRaw,NodeList"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """What Slurm says about one job.

    Attributes:
        job_id: Its number, `ARRAY_TASK` in an array.
        state: Slurm's word, without what follows it; empty where nobody could be asked.
        by: Who cancelled it: a user's number; empty otherwise.
        reason: Why it waits.
        node: Where it works or worked.
        elapsed_s: Seconds of its latest attempt.
        restarts: How often it was started again; None where only the accounting knows it.
        exit_code, signal: Of the job; None as long as nobody has told.
    """

    job_id: str
    state: str
    by: str = ""
    reason: str = ""
    node: str = ""
    elapsed_s: int = 0
    restarts: int | None = None
    exit_code: int | None = None
    signal: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED_STATES

    @property
    def is_waiting(self) -> bool:
        """Whether it is in the queue."""
        return self.state in WAITING_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What Slurm says about several jobs.

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


def call_until_answered(
    command: Sequence[str],
    *,
    patience_s: float,
    look: Callable[[], str | None] = lambda: None,
) -> str:
    """Output of `command`, repeated while the controller can't be reached or isn't ready.

    A request whose answer was lost may have been served, so `look` is asked before each
    repetition; its answer, if it has one, is taken instead.

    Args:
        command: What is called.
        patience_s: How long it is repeated.
        look: What the command would have answered; None as long as it wasn't served.

    Raises:
        SubmissionError: Slurm refused, or didn't answer for `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    tried = 0
    done = call(command)
    while is_transient(done) and time.monotonic() < deadline:
        time.sleep(BACKOFF_S[min(tried, len(BACKOFF_S) - 1)])
        tried += 1
        if call(["squeue", "-h", "--me", "-o", "%i"]).returncode:
            continue
        found = look()
        if found is not None:
            return found
        done = call(command)
    if done.returncode:
        raise SubmissionError(words_of(done))
    return done.stdout.strip()


def answers_about(job_ids: Iterable[str]) -> Answers:
    """Everything that the queue and the accounting say about `job_ids`: the one answer about them.

    The queue is asked for living jobs: the accounting lags. The accounting is asked for ended
    ones, which the queue forgets after some minutes; what it says about a job's life is stale
    where the queue answers.
    """
    ids = sorted(set(job_ids))
    if not ids:
        return Answers()
    try:
        queue = call(["squeue", "-h", "-r", "-t", "all", "-O", _SQUEUE, "-j", ",".join(ids)])
    except SubmissionError as error:
        return Answers(problems=(str(error),), reachable=False)
    # With an error, for a single job that is forgotten.
    reachable = queue.returncode == 0 or UNKNOWN_JOB in queue.stderr
    problems = [] if reachable else [words_of(queue)]
    queued = {job.job_id: job for line in queue.stdout.splitlines() if (job := _queued(line))}
    if not reachable or any(name not in queued or queued[name].has_ended for name in ids):
        books = _books(ids)
        if books.returncode and NO_ACCOUNTING not in words_of(books):
            problems.append(words_of(books))
        jobs = _joined(queued, books, reachable=reachable)
    else:
        jobs = queued
    wanted = {name: job for name, job in jobs.items() if name in ids}
    return Answers(jobs=wanted, problems=tuple(problems), reachable=reachable)


def _books(ids: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = ["sacct", "-n", "-P", "-X", "-o", _SACCT, "-j", ",".join(ids)]
    try:
        return call(command)
    except SubmissionError as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _joined(
    queued: dict[str, SlurmJob], books: subprocess.CompletedProcess[str], *, reachable: bool
) -> dict[str, SlurmJob]:
    """Jobs of the queue, completed by the accounting."""
    booked = {job.job_id: job for line in books.stdout.splitlines() if (job := _booked(line))}
    jobs = {name: job for name, job in booked.items() if job.has_ended or not reachable}
    for name, job in queued.items():
        known = jobs.get(name)
        if job.has_ended and known is not None:
            jobs[name] = replace(job, exit_code=known.exit_code, signal=known.signal, by=known.by)
        elif job.has_ended:
            jobs[name] = _with_exit_code(job)
        else:
            jobs[name] = job
    return jobs


def _queued(line: str) -> SlurmJob | None:
    fields = [part.strip() for part in line.split("|", 5)]
    if len(fields) != 6:
        return None
    job_id, state, restarts, elapsed, node, reason = fields
    reason = reason.removesuffix("|").strip()
    return SlurmJob(
        job_id=job_id,
        state=state,
        reason="" if reason == "None" else reason,
        node=node,
        elapsed_s=walltime_s(elapsed) or 0,
        restarts=int(restarts) if restarts.isdecimal() else None,
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
    """Exit code of a job that ended, from the controller: the accounting doesn't know it yet."""
    done = call(["scontrol", "-o", "show", "job", job.job_id])
    _, found, rest = done.stdout.partition(" ExitCode=")
    code, _, number = rest.partition(" ")[0].partition(":")
    if not found:
        return job
    return replace(job, exit_code=int(code), signal=int(number))
