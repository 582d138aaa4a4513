"""The record of what was handed to Slurm: `plans/<plan_id>/submission.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from can_train.config.schema import Resources
from can_train.errors import ArtifactError
from can_train.files import read_object, write_text
from can_train.jobs.slurm.script import MAX_REQUEUES

SUBMISSION: Final = "submission.json"
AttemptState = Literal["submitting", "submitted", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
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
    settings: Settings
    message: str = ""

    def with_job(self, numbers: tuple[int, ...], job_id: str, *, array: bool) -> Attempt:
        """The same once Slurm has told the number of the job of the stages `numbers`."""
        ids = {n: f"{job_id}_{i}" if array else job_id for i, n in enumerate(numbers)}
        runs = tuple(replace(r, job_id=ids.get(r.number, r.job_id)) for r in self.runs)
        return replace(self, runs=runs)


def read_attempts(plan: Path) -> tuple[Attempt, ...]:
    """Submissions of the plan in the folder `plan`, the latest last.

    Raises:
        ArtifactError: The record is damaged.
    """
    path = plan / SUBMISSION
    if not path.is_file():
        return ()
    try:
        return tuple(_attempt(raw) for raw in _list(read_object(path)["attempts"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path}: not a submission record of this version ({error}). Its jobs are listed by: "
            "squeue --me"
        ) from error


def write_attempts(plan: Path, attempts: tuple[Attempt, ...]) -> None:
    """Replaces the record atomically."""
    document = {"attempts": [asdict(attempt) for attempt in attempts]}
    write_text(plan / SUBMISSION, json.dumps(document, indent=1, sort_keys=True) + "\n")


def latest_runs(attempts: tuple[Attempt, ...]) -> dict[int, SubmittedRun]:
    """Per stage its latest submission that Slurm took."""
    return {run.number: run for attempt in attempts for run in attempt.runs if run.job_id}


def _attempt(raw: Any) -> Attempt:
    settings = raw["settings"]
    return Attempt(
        state=raw["state"],
        runs=tuple(_runs(raw["runs"])),
        settings=Settings(**{**settings, "setup": tuple(settings["setup"])}),
        message=raw["message"],
    )


def _runs(raw: Any) -> Iterator[SubmittedRun]:
    for run in _list(raw):
        yield SubmittedRun(**{**run, "resources": Resources(**run["resources"])})


def _list(raw: object) -> list[Any]:
    if not isinstance(raw, list):
        raise TypeError(f"expected a list, got {raw!r}")
    return raw
