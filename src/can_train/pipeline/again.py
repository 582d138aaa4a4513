"""A stored plan as an executor takes it again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from can_train.config.frozen import load_frozen
from can_train.config.schema import Resources
from can_train.jobs.job import Handover, JobRequest, Needs
from can_train.pipeline.checkpoints import check_checkpoint
from can_train.pipeline.stored import StoredPlan, StoredStage
from can_train.runs.made import check_made
from can_train.runs.state import read_status


def handover_again(
    plan: StoredPlan, experiment_root: Path, evaluated: Collection[int], resources: Resources
) -> Handover:
    """All stages of a plan that was handed over before.

    Args:
        plan: The plan.
        experiment_root: Where its runs lie.
        evaluated: Numbers of the stages that are evaluated.
        resources: What jobs are to ask for instead of what they asked for before.

    Raises:
        ArtifactError: A run of it isn't what it made.
    """
    for stage in plan.stages:
        check_made(stage.job.run_dir)
        check_checkpoint(stage.job.run_dir)
    requests = tuple(
        _request(stage, resources, evaluate=stage.job.number in evaluated) for stage in plan.stages
    )
    return Handover(
        plan=plan.folder, experiment_root=experiment_root, requests=requests, resumed=True
    )


def only(handover: Handover, numbers: Collection[int]) -> Handover:
    """Those stages, and the ones that they are built on."""
    wanted = set(numbers)
    for request in reversed(handover.requests):
        if request.job.number in wanted:
            wanted |= set(request.job.depends_on)
    kept = tuple(request for request in handover.requests if request.job.number in wanted)
    return replace(handover, requests=kept)


def _request(stage: StoredStage, resources: Resources, *, evaluate: bool) -> JobRequest:
    job = replace(stage.job, threads=_threads(stage))
    needs = Needs(
        number=job.number,
        title=job.title,
        model=job.name,
        model_size=stage.model_size,
        resources=resources,
    )
    return JobRequest(job=job, needs=needs, evaluate=evaluate)


def _threads(stage: StoredStage) -> int:
    """Threads that the run uses; a finished one uses none."""
    status = read_status(stage.job.run_dir)
    if status is not None and status.state == "finished":
        return stage.job.threads
    return load_frozen(stage.job.frozen).config.training.threads
