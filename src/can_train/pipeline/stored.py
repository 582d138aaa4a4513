"""Plans as they lie on disk, for the commands that come after the one that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from can_train.errors import ArtifactError, PreflightError
from can_train.files import read_object
from can_train.jobs.executor import Job
from can_train.runs.layout import find_run, frozen_path, iter_plans, iter_runs


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


def find_plan(experiment_root: Path, name: str) -> StoredPlan | None:
    """The plan called `name`: an id, a unique beginning of one, or a folder; None: no plan is.

    Raises:
        PreflightError: Several plans are called so.
    """
    if (Path(name) / "plan.json").is_file():
        return load_plan(experiment_root, Path(name).resolve())
    plans = list(iter_plans(experiment_root))
    exact = [plan for plan in plans if plan.name == name]
    found = exact or [plan for plan in plans if name and plan.name.startswith(name)]
    if len(found) > 1:
        listed = ", ".join(plan.name for plan in found)
        raise PreflightError(f"{name} is the beginning of several plans: {listed}. Give more")
    return load_plan(experiment_root, found[0]) if found else None


def stages_called(experiment_root: Path, name: str) -> tuple[StoredStage, ...]:
    """Stages of the plan `name`, or the run of that name.

    Raises:
        PreflightError: Neither exists.
    """
    plan = find_plan(experiment_root, name)
    return plan.stages if plan is not None else (single(find_run(experiment_root, name)),)


def all_stages(experiment_root: Path) -> tuple[StoredStage, ...]:
    """Every run once, in the order of the plans, runs of no plan at the end; numbered anew."""
    found: dict[Path, StoredStage] = {}
    for folder in iter_plans(experiment_root):
        stages = load_plan(experiment_root, folder).stages
        numbers: dict[int, int] = {}
        for stage in stages:
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
        ArtifactError: Its `plan.json` is damaged.
    """
    document = read_object(folder / "plan.json")
    try:
        stages = tuple(_stage(experiment_root, raw) for raw in _list(document["stages"]))
    except (KeyError, TypeError) as error:
        raise ArtifactError(
            f"{folder / 'plan.json'}: not a plan of this version ({error}). "
            "Give the command that made it again"
        ) from error
    return StoredPlan(folder=folder, stages=stages)


def single(run: Path) -> StoredStage:
    """A run by itself; its folders say what it is."""
    _, dataset, _, model, size, distilled, strategy = run.absolute().parts[-8:-1]
    word = "with-kd" if distilled == "distilled" else "no-kd"
    frozen = next(iter(sorted(run.glob("configs/frozen_config_*.json"))), run / "configs")
    job = Job(
        number=1,
        name=model,
        title=f"run {run.name} ({model} {size}, {strategy}, {word})",
        run_dir=run,
        frozen=frozen,
        depends_on=(),
    )
    return StoredStage(
        job=job, dataset=dataset, model_size=size, training_strategy=strategy, distillation=word
    )


def _stage(experiment_root: Path, raw: dict[str, Any]) -> StoredStage:
    run = experiment_root / raw["run_dir"]
    model, size, strategy = raw["model"], raw["model_size"], raw["training_strategy"]
    sources = {item["from_stage"] for item in raw["inputs"]} - {None}
    job = Job(
        number=raw["number"],
        name=model,
        title=f"stage {raw['number']} ({model} {size}, {strategy}, {raw['distillation']})",
        run_dir=run,
        frozen=frozen_path(run, raw["sha256"]),
        depends_on=tuple(sorted(sources)),
    )
    return StoredStage(
        job=job,
        dataset=raw["dataset"],
        model_size=size,
        training_strategy=strategy,
        distillation=raw["distillation"],
    )


def _list(raw: object) -> Sequence[dict[str, Any]]:
    if not isinstance(raw, list):
        raise TypeError(f"expected a list, got {raw!r}")
    return raw
