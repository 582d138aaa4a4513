"""What an executor takes and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Outcome = Literal["finished", "reused", "failed", "cancelled", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One stage handed to an executor.

    Attributes:
        number: Position of the stage in the plan, from 1.
        name: Short name for log files: the model.
        title: The stage in words.
        run_dir: Folder of its run.
        frozen: Path of its frozen config.
        depends_on: Numbers of the stages whose artifacts it consumes.
        threads: CPU threads that it uses.
    """

    number: int
    name: str
    title: str
    run_dir: Path
    frozen: Path
    depends_on: tuple[int, ...]
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """How a job ended.

    Attributes:
        job: The job.
        outcome: `reused` when its run had finished before, `blocked` when it never started.
        exit_code: Of its worker; 0 where none was needed.
        message: Why it didn't finish.
    """

    job: Job
    outcome: Outcome
    exit_code: int = 0
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether its artifact is there."""
        return self.outcome in {"finished", "reused"}


class Executor(Protocol):
    """Runs the jobs of a plan somewhere, in the order of their dependencies."""

    def execute(self, jobs: Sequence[Job]) -> tuple[JobResult, ...]:
        """Takes jobs in topological order and tells how each one ended, in the same order."""
