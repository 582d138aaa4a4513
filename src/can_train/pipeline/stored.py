"""Plans as they lie on disk, for the commands that come after the one that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from can_train.config.codec import from_plain
from can_train.errors import ArtifactError, ConfigError
from can_train.files import read_object, unsealed
from can_train.jobs.job import Job
from can_train.runs.find import Found
from can_train.runs.layout import (
    frozen_configs,
    frozen_path,
    identity_of,
    iter_plans,
    iter_runs,
    plan_path,
)
from can_train.vocab import Distillation, ModelSize, TrainingStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """What `plan.json` says of one artifact that a stage consumes.

    Attributes:
        role: `teacher`, or the name of the expert's detector.
        from_stage: Number of the stage that makes it; None: it lies on disk.
        run_id: The run that will make it.
        path, sha256: The file on disk.
        origin: Where it comes from, in words.
    """

    role: str
    from_stage: int | None
    run_id: str | None
    path: str | None
    sha256: str | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """What `plan.json` says of one stage, as far as other commands read it.

    Attributes:
        number: Its position in the plan, from 1.
        dataset, model, model_size, distillation, training_strategy: Words of its identity.
        sha256: Hash of its frozen config.
        run_dir: Folder of its run, relative to the experiment root.
        inputs: What it consumes.
    """

    number: int
    dataset: str
    model: str
    model_size: ModelSize
    distillation: Distillation
    training_strategy: TrainingStrategy
    sha256: str
    run_dir: str
    inputs: tuple[InputRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStage:
    """One run, as a stage of its plan or by itself.

    Attributes:
        job: The run as executors take it.
        dataset, model_size, training_strategy, distillation: Words of its identity.
    """

    job: Job
    dataset: str
    model_size: str
    training_strategy: str
    distillation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan folder and its stages in topological order."""

    folder: Path
    stages: tuple[StoredStage, ...]

    @property
    def plan_id(self) -> str:
        """Identity of the plan."""
        return self.folder.name

    @property
    def terminal(self) -> tuple[StoredStage, ...]:
        """Stages whose artifact no other stage consumes."""
        needed = {number for stage in self.stages for number in stage.job.depends_on}
        return tuple(stage for stage in self.stages if stage.job.number not in needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPlan:
    """A plan folder among others, one of which may be damaged.

    Attributes:
        folder: Its folder.
        stages: Its stages; none where its record is damaged.
        problem: What is wrong with its record; empty: nothing.
    """

    folder: Path
    stages: tuple[StoredStage, ...] = ()
    problem: str = ""


def listed_plan(experiment_root: Path, folder: Path) -> ListedPlan:
    """The plan in `folder`, with what is wrong with it."""
    try:
        return ListedPlan(folder=folder, stages=load_plan(experiment_root, folder).stages)
    except ArtifactError as error:
        return ListedPlan(folder=folder, problem=str(error))


def listed_plans(experiment_root: Path) -> tuple[ListedPlan, ...]:
    """Every plan, those with a damaged record among them."""
    return tuple(listed_plan(experiment_root, folder) for folder in iter_plans(experiment_root))


def stages_of(experiment_root: Path, found: Found) -> tuple[StoredStage, ...]:
    """Stages of a plan, or a run by itself.

    Raises:
        ArtifactError: The record of the plan is damaged.
    """
    if found.kind == "plan":
        return load_plan(experiment_root, found.folder).stages
    return (single(found.folder),)


def all_stages(experiment_root: Path, plans: Sequence[ListedPlan]) -> tuple[StoredStage, ...]:
    """Every run once, in the order of the plans, runs of no plan at the end; numbered anew."""
    found: dict[Path, StoredStage] = {}
    for plan in plans:
        numbers: dict[int, int] = {}
        for stage in plan.stages:
            job = stage.job
            known = found.get(job.run_dir)
            numbers[job.number] = len(found) + 1 if known is None else known.job.number
            if known is None:
                found[job.run_dir] = _renumbered(stage, numbers)
    for run in iter_runs(experiment_root):
        if run not in found:
            found[run] = _renumbered(single(run), {1: len(found) + 1})
    return tuple(found.values())


def _renumbered(stage: StoredStage, numbers: Mapping[int, int]) -> StoredStage:
    needs = tuple(numbers[number] for number in stage.job.depends_on)
    job = replace(stage.job, number=numbers[stage.job.number], depends_on=needs)
    return replace(stage, job=job)


def load_plan(experiment_root: Path, folder: Path) -> StoredPlan:
    """The plan in `folder`.

    Raises:
        ArtifactError: Its `plan.json` is damaged, changed, or of another plan.
    """
    path = plan_path(folder)
    document = unsealed(path, read_object(path))
    if document.get("plan_id", folder.name) != folder.name:
        raise ArtifactError(
            f"{path}: of plan {document.get('plan_id')}. Give the command that made it again"
        )
    raw = document.get("stages")
    try:
        if not isinstance(raw, list):
            raise ConfigError(f"stages: expected a list, got {raw!r}")
        records = [_record(item, f"stages.{number}") for number, item in enumerate(raw, start=1)]
    except ConfigError as error:
        raise ArtifactError(
            f"{path}: not a plan of this version ({error}). Give the command that made it again"
        ) from error
    stages = tuple(_stage(experiment_root, record) for record in records)
    return StoredPlan(folder=folder, stages=stages)


def single(run: Path) -> StoredStage:
    """A run by itself; its folders say what it is."""
    words = identity_of(run)
    what = f"{words.model} {words.model_size}, {words.training_strategy}, {words.distillation_word}"
    frozen = next(iter(frozen_configs(run)), run)
    job = Job(
        number=1,
        name=words.model,
        title=f"run {run.name} ({what})",
        run_dir=run,
        frozen=frozen,
        depends_on=(),
    )
    return StoredStage(
        job=job,
        dataset=words.dataset,
        model_size=words.model_size,
        training_strategy=words.training_strategy,
        distillation=words.distillation_word,
    )


def _record(raw: object, where: str) -> StageRecord:
    """The part of a stage's document that is read; the rest is for people and other programs."""
    names = [item.name for item in fields(StageRecord)]
    known = {name: raw[name] for name in names if name in raw} if isinstance(raw, Mapping) else raw
    return from_plain(StageRecord, known, where)


def _stage(experiment_root: Path, record: StageRecord) -> StoredStage:
    run = experiment_root / record.run_dir
    what = f"{record.model} {record.model_size}, {record.training_strategy}, {record.distillation}"
    sources = {item.from_stage for item in record.inputs if item.from_stage is not None}
    job = Job(
        number=record.number,
        name=record.model,
        title=f"stage {record.number} ({what})",
        run_dir=run,
        frozen=frozen_path(run, record.sha256),
        depends_on=tuple(sorted(sources)),
    )
    return StoredStage(
        job=job,
        dataset=record.dataset,
        model_size=record.model_size,
        training_strategy=record.training_strategy,
        distillation=record.distillation,
    )
