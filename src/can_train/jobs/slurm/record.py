"""The record of what was handed to Slurm: `plans/<plan_id>/submission.json`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from can_train.config.codec import from_plain, to_plain
from can_train.config.schema import Resources
from can_train.errors import ArtifactError, ConfigError
from can_train.files import read_object, write_json
from can_train.jobs.slurm.script import MAX_REQUEUES
from can_train.runs.layout import submission_path

AttemptState = Literal["submitting", "submitted", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSettings:
    """What holds for all jobs of one submission.

    Attributes:
        setup: Shell lines at the beginning of each job.
        max_requeues: How often a job may be started again.
        array_limit: How many independent runs may work at the same time, as an array; None: each
            run is a job of its own.
    """

    setup: tuple[str, ...] = ()
    max_requeues: int = MAX_REQUEUES
    array_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRun:
    """One run of a submission.

    Attributes:
        number: Its stage in the plan.
        run_dir: Its folder, below the experiment root.
        job_name: Name of its job: it carries the run's id, or the plan's for an array.
        job_id: Number of its job, `ARRAY_TASK` in an array; None until Slurm has told it.
        resources: What its job asked for.
        evaluate: Whether its job evaluates it.
    """

    number: int
    run_dir: str
    job_name: str
    job_id: str | None = None
    resources: Resources = field(default_factory=Resources)
    evaluate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One submission of a plan.

    Attributes:
        state: submitting (or killed while submitting), submitted, or cancelled.
        runs: What it holds.
        settings: How the jobs are run.
        message: Why it was cancelled.
    """

    state: AttemptState
    runs: tuple[SubmittedRun, ...]
    settings: SubmissionSettings
    message: str = ""

    def with_job(self, numbers: tuple[int, ...], job_id: str, *, array: bool) -> Attempt:
        """The same once Slurm has told the number of the job of the stages `numbers`."""
        ids = {n: f"{job_id}_{i}" if array else job_id for i, n in enumerate(numbers)}
        runs = tuple(replace(r, job_id=ids.get(r.number, r.job_id)) for r in self.runs)
        return replace(self, runs=runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The whole file."""

    attempts: tuple[Attempt, ...]


def read_attempts(plan: Path) -> tuple[Attempt, ...]:
    """Submissions of the plan in the folder `plan`, the latest last.

    Raises:
        ArtifactError: The record is damaged.
    """
    path = submission_path(plan)
    if not path.is_file():
        return ()
    try:
        return from_plain(_Record, read_object(path), path.name).attempts
    except ConfigError as error:
        raise ArtifactError(
            f"{path}: not a submission record of this version ({error}). Its jobs are listed by: "
            "squeue --me"
        ) from error


def write_attempts(plan: Path, attempts: tuple[Attempt, ...]) -> None:
    """Replaces the record atomically."""
    write_json(submission_path(plan), to_plain(_Record(attempts=attempts), _Record))


def latest_runs(attempts: tuple[Attempt, ...]) -> dict[int, SubmittedRun]:
    """Per stage its latest submission that Slurm took."""
    return {run.number: run for attempt in attempts for run in attempt.runs if run.job_id}
