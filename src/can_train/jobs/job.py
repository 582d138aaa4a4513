"""What an executor takes and gives back (stdlib only)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from can_train.config.schema import Resources

JobOutcome = Literal["finished", "reused", "submitted", "kept", "failed", "cancelled", "blocked"]


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
class Needs:
    """What one stage asks of a cluster.

    Attributes:
        number: Position of the stage in the plan.
        title: The stage in words.
        model, model_size: Kind of the stage.
        resources: What was typed for it.
    """

    number: int
    title: str
    model: str
    model_size: str
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """One job that is to be run.

    Attributes:
        job: The job.
        needs: What its stage asks for.
        evaluate: Whether the finished run is to be evaluated.
    """

    job: Job
    needs: Needs
    evaluate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A plan as an executor takes it.

    Attributes:
        plan: Folder of the plan.
        experiment_root: Root of all runs.
        requests: Its jobs in topological order.
        resumed: Whether it was handed over before: then what was asked for then holds again.
    """

    plan: Path
    experiment_root: Path
    requests: tuple[JobRequest, ...]
    resumed: bool = False

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Its jobs."""
        return tuple(request.job for request in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """How a job ended, or that it will.

    Attributes:
        job: The job.
        outcome: `reused` when its run had finished before, `submitted` when it goes on by itself,
            `kept` when it did so already, `blocked` when it never started.
        exit_code: Of its worker; 0 where none was needed.
        message: Why it didn't finish.
    """

    job: Job
    outcome: JobOutcome
    exit_code: int = 0
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether its artifact is there, or on its way."""
        return self.outcome in {"finished", "reused", "submitted", "kept"}


class JobFeed(Protocol):
    """Gives jobs while others run, and says which needn't go on; asked several times a second."""

    def more(self, results: Mapping[int, JobResult]) -> Sequence[Job]:
        """Further jobs, given what became of those before; none so far if it gave none."""

    def unwanted(self) -> Mapping[int, str]:
        """Numbers of running jobs that are to be ended, and why."""
