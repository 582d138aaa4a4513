"""A plan: the DAG of frozen configs that a request means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from can_train.config.build import (
    Stage,
    Typed,
    build_request,
    data_config,
    resolve_stages,
    run_config,
)
from can_train.config.frozen import FrozenConfig, freeze, run_id_of, write_frozen
from can_train.config.requests import PlanRequest
from can_train.config.schema import DataConfig, RunConfig
from can_train.data.manifest import DatasetManifest, load_manifest, split_digest
from can_train.errors import CanTrainError, DataError, PreflightError, raise_all
from can_train.jobs.base import Job
from can_train.pipeline.parents import Promised, StageInput, World, inputs_of, unused_paths
from can_train.pipeline.preflight import (
    disk_problems,
    frames_problems,
    run_problems,
    split_problems,
)
from can_train.runs.files import write_atomic
from can_train.runs.layout import (
    RUN_ID_LENGTH,
    Roots,
    frozen_path,
    identity_dir,
    plan_dir,
)
from can_train.runs.status import current_status
from can_train.vocab import MODALITIES_WITH_DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """One stage of a plan.

    Attributes:
        stage: Its words.
        config: What its run is made from.
        frozen: The same with its hash and folders; not written yet.
        inputs: The artifacts that it consumes.
    """

    stage: Stage
    config: RunConfig
    frozen: FrozenConfig
    inputs: tuple[StageInput, ...]

    @property
    def run_id(self) -> str:
        """Name of the run's folder."""
        return self.frozen.run_id

    @property
    def depends_on(self) -> tuple[int, ...]:
        """Numbers of the stages whose artifacts it consumes."""
        made = {item.from_stage for item in self.inputs if item.from_stage is not None}
        return tuple(sorted(made))

    @property
    def state(self) -> str:
        """What will happen: new, reused (it finished), or resumed (it was interrupted)."""
        status = current_status(self.frozen.run_dir)
        if status is None:
            return "new"
        return "reused" if status.state == "finished" else "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Stages in the order in which they may run.

    Attributes:
        plan_id: Identity of the plan: follows from its runs.
        roots: Where everything lies.
        stages: In topological order.
        warnings: What the user should be told.
    """

    plan_id: str
    roots: Roots
    stages: tuple[PlannedStage, ...]
    warnings: tuple[str, ...]

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of stage numbers: (makes, consumes)."""
        return tuple((n, s.stage.number) for s in self.stages for n in s.depends_on)

    @property
    def terminal(self) -> tuple[PlannedStage, ...]:
        """Stages whose artifact no other stage of the plan consumes."""
        consumed = {source for source, _ in self.edges}
        return tuple(s for s in self.stages if s.stage.number not in consumed)


def make_plan(typed: Typed, roots: Roots, *, force: bool = False, register: bool = True) -> Plan:
    """Everything that a request means, checked by all four layers; nothing is written.

    Args:
        typed: What the user typed.
        roots: Where everything lies.
        force: Whether runs that exist are made again beside the old ones.
        register: Whether finished teachers go into the registry.

    Raises:
        CanTrainError: One problem, or all of them as a `ProblemList`.
    """
    built = build_request(typed)
    if built.request is None or not built.consistent:
        raise_all([*built.problems, *_dataset_problems(typed, roots)])
    request = cast(PlanRequest, built.request)
    problems: list[CanTrainError] = list(built.problems)
    manifest, data = _data(request, roots, problems)
    world = World(request=request, roots=roots, data=data, problems=problems)
    stages, warnings = resolve_stages(request)
    planned: list[PlannedStage] = []
    promised: list[Promised] = []
    for stage in stages:
        inputs = inputs_of(stage, promised, world)
        run_id = ""
        if not world.problems:
            config = _config(world, stage, inputs)
            run = _run_dir(roots, config, force=force)
            frozen = freeze(config, run, roots, register=register)
            planned.append(PlannedStage(stage=stage, config=config, frozen=frozen, inputs=inputs))
            run_id = run.name
        promised.append(Promised(stage=stage, run_id=run_id))
    runs = [(p.frozen.run_dir, p.stage.model, p.stage.model_size) for p in planned]
    problems += [*unused_paths(world), *disk_problems(roots, len(stages)), *run_problems(runs)]
    raise_all(problems)
    identity = json.dumps([stage.run_id for stage in planned])
    return Plan(
        plan_id=hashlib.sha256(identity.encode()).hexdigest()[:RUN_ID_LENGTH],
        roots=roots,
        stages=tuple(planned),
        warnings=(*built.warnings, *warnings),
    )


def jobs_of(plan: Plan) -> tuple[Job, ...]:
    """The plan as an executor takes it."""
    return tuple(
        Job(
            number=planned.stage.number,
            name=planned.stage.model,
            title=planned.stage.title,
            run_dir=planned.frozen.run_dir,
            frozen=frozen_path(planned.frozen.run_dir, planned.frozen.sha256),
            depends_on=planned.depends_on,
        )
        for planned in plan.stages
    )


def write_plan(plan: Plan) -> Path:
    """Writes the frozen configs of all runs that haven't finished, and `plan.json`.

    Returns:
        Folder of the plan.
    """
    for planned in plan.stages:
        if planned.state != "reused":
            write_frozen(planned.frozen)
    folder = plan_dir(plan.roots.experiments, plan.plan_id)
    write_atomic(folder / "plan.json", plan_json(plan))
    return folder


def plan_json(plan: Plan) -> str:
    """Text of `plan.json`."""
    document = {
        "plan_id": plan.plan_id,
        "stages": [_stage_document(plan, planned) for planned in plan.stages],
        "edges": [list(edge) for edge in plan.edges],
        "warnings": list(plan.warnings),
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def describe(plan: Plan) -> Iterator[str]:
    """The plan in lines: stages, runs, what each consumes, and which waits for which."""
    yield f"plan {plan.plan_id}: {len(plan.stages)} stage{'s' * (len(plan.stages) > 1)}"
    for planned in plan.stages:
        config = planned.config
        yield f"{planned.stage.title}: {planned.state}, run {planned.frozen.run_dir}"
        yield (
            f"  seed {config.seed}, at most {config.training.epochs} epochs, "
            f"{config.data.features}, window {config.data.window}, stride {config.data.stride}, "
            f"split {config.data.split}"
        )
        if config.distillation is not None:
            kd = config.distillation
            yield f"  distillation: temperature {kd.temperature:g}, alpha {kd.alpha:g}"
        for item in planned.inputs:
            yield f"  {item.text}"
    if plan.edges:
        yield "edges: " + ", ".join(f"{a} -> {b}" for a, b in plan.edges)


def _config(world: World, stage: Stage, inputs: Sequence[StageInput]) -> RunConfig:
    data = cast(DataConfig, world.data)  # absent only beside a problem
    return run_config(world.request, stage, data, {item.role: item.parent for item in inputs})


def _data(
    request: PlanRequest, roots: Roots, problems: list[CanTrainError]
) -> tuple[DatasetManifest | None, DataConfig | None]:
    """The dataset and the windows of the plan, or None with the problems told."""
    try:
        manifest = load_manifest(roots.data, request.modality, request.dataset)
    except (DataError, PreflightError) as problem:
        problems.append(problem)
        return None, None
    unread = data_config(request, manifest.digest, "unread")
    problems += frames_problems(roots, manifest)
    problems += split_problems(manifest, unread.split)
    digest = split_digest(manifest.digest, unread.split, unread.window)
    return manifest, data_config(request, manifest.digest, digest)


def _dataset_problems(typed: Typed, roots: Roots) -> list[CanTrainError]:
    """The dataset's problems where the plan can't be told."""
    modality, dataset = typed.text.get("modality"), typed.text.get("dataset")
    if modality not in MODALITIES_WITH_DATA or not dataset:
        return []
    try:
        manifest = load_manifest(roots.data, modality, dataset)
    except (DataError, PreflightError) as problem:
        return [problem]
    return list(frames_problems(roots, manifest))


def _run_dir(roots: Roots, config: RunConfig, *, force: bool) -> Path:
    """Folder of the run; with `force` the first of `<run_id>-2`, `-3`, … that isn't taken."""
    first = identity_dir(roots.experiments, config) / run_id_of(config)
    if not force or current_status(first) is None:
        return first
    number = 2
    while _is_taken(first.with_name(f"{first.name}-{number}")):
        number += 1
    return first.with_name(f"{first.name}-{number}")


def _is_taken(run: Path) -> bool:
    """Whether a forced run finished or is alive there; a dead one is resumed."""
    status = current_status(run)
    return status is not None and status.state in {"finished", "running", "pending"}


def _stage_document(plan: Plan, planned: PlannedStage) -> dict[str, object]:
    config = planned.config
    return {
        "number": planned.stage.number,
        "modality": config.modality,
        "dataset": config.dataset,
        "learning_type": config.learning_type,
        "model": config.model,
        "model_size": config.model_size,
        "distillation": config.distillation_word,
        "training_strategy": config.training_strategy,
        "seed": config.seed,
        "sha256": planned.frozen.sha256,
        "run_id": planned.run_id,
        "run_dir": str(planned.frozen.run_dir.relative_to(plan.roots.experiments)),
        "inputs": [
            {
                "role": item.role,
                "from_stage": item.from_stage,
                "run_id": item.parent.run_id,
                "path": item.parent.path,
                "sha256": item.parent.sha256,
                "origin": item.origin,
            }
            for item in planned.inputs
        ],
    }
