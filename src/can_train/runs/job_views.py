"""What executors tell about their jobs, and what that means for runs (stdlib only)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

OUT_OF_MEMORY: Final = "out of memory"
"""Reason of a run that the system killed for its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerJob:
    """The job of an executor that a worker runs in, or will.

    Attributes:
        executor: Name of the executor.
        job_id: The executor's name for it, such as `12` or `12_3`.
        restarts: How often it had been started before.
    """

    executor: str
    job_id: str
    restarts: int = 0

    def __str__(self) -> str:
        return f"{self.executor.capitalize()} job {self.job_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJob:
    """A job as its executor sees it.

    Attributes:
        is_active: Whether it waits or works; also where nobody could be asked.
        is_waiting: Whether it waits.
        restarts: How often it was started again; None: nobody could tell.
        node: Where it works or worked; empty: nobody could tell.
        elapsed_s: Seconds of its latest attempt; None: nobody could tell.
    """

    is_active: bool
    is_waiting: bool = False
    restarts: int | None = None
    node: str = ""
    elapsed_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a run without asking the executor of its job.

    Attributes:
        state, message: What its worker wrote last.
        started: Whether a worker ever started.
        log: Gives the end of the job's log.
        blocked: Whether a run that it needs didn't finish.
    """

    state: str
    message: str = ""
    started: bool = False
    log: Callable[[], str] = str
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """State of a run and the reason for it."""

    state: str
    reason: str = ""


class JobsView(ABC):
    """Answers of one executor about several of its jobs, asked for once."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Who couldn't be asked, in its words."""
        return ()

    @abstractmethod
    def job(self, job_id: str) -> SeenJob | None:
        """The job; None once it is gone and nobody remembers it."""

    @abstractmethod
    def verdict(self, job_id: str, evidence: Evidence) -> Verdict:
        """What became of the run that the job works or worked on."""


class SilentView(JobsView):
    """Of an executor that can't be asked: what workers wrote stands.

    Args:
        executor: Its name.
    """

    def __init__(self, executor: str) -> None:
        self._executor = executor

    def job(self, job_id: str) -> SeenJob | None:
        """A job that may be active."""
        return SeenJob(is_active=True)

    def verdict(self, job_id: str, evidence: Evidence) -> Verdict:
        """The state as written."""
        why = evidence.message or f"{self._executor.capitalize()} can't be asked"
        return Verdict(state=evidence.state, reason="" if evidence.state == "finished" else why)
