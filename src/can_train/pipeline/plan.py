"""A plan: the DAG of frozen configs that a request means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from can_train.config.build import Built, build_request
from can_train.config.frozen import TRAINING_DIGEST, FrozenConfig, freeze, run_id_of
from can_train.config.requests import PlanRequest
from can_train.config.resolve import ResolvedStage, resolve_stages, run_config
from can_train.config.schema import RunConfig
from can_train.config.typed import Typed
from can_train.errors import CanTrainError, ConfigError, DataError, raise_all
from can_train.jobs.executor import Executor, executors
from can_train.jobs.job import Job, Needs
from can_train.pipeline.data import PlanData, dataset_problems, plan_data
from can_train.pipeline.estimates import StageCost, cost_of, pace_of
from can_train.pipeline.inputs import (
    ConsumedArtifact,
    Promised,
    World,
    inputs_of,
    unused_paths,
)
from can_train.pipeline.preflight import (
    disk_problems,
    path_problems,
    run_problems,
)
from can_train.pipeline.windows import StoredWindows
from can_train.runs.layout import (
    RUN_ID_LENGTH,
    Roots,
    frozen_path,
    identity_dir,
)
from can_train.runs.state import current_status


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """One stage of a plan.

    Attributes:
        stage: Its words.
        config: What its run is made from.
        frozen: The same with its hash and folders; not written yet.
        inputs: The artifacts that it consumes.
        cost: What it will roughly take.
    """

    stage: ResolvedStage
    config: RunConfig
    frozen: FrozenConfig
    inputs: tuple[ConsumedArtifact, ...]
    cost: StageCost

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What holds for all runs of a plan: whether old ones are made again, who registers."""

    force: bool
    register: bool


def make_plan(
    typed: Typed,
    roots: Roots,
    *,
    force: bool = False,
    register: bool = True,
    executor: Executor | None = None,
    worked_on: Collection[Path] = (),
) -> Plan:
    """Everything that a request means, checked by all four layers; nothing is written.

    Args:
        typed: What the user typed.
        roots: Where everything lies.
        force: Whether runs that exist are made again beside the old ones.
        register: Whether finished teachers go into the registry.
        executor: Who will run it; None: nobody.
        worked_on: Runs that whoever asks works on himself.

    Raises:
        CanTrainError: One problem, or all of them as a `ProblemList`.
    """
    built = build_request(typed)
    if built.request is None or not built.consistent:
        raise_all([*built.problems, *dataset_problems(typed, roots), *path_problems(typed)])
    request = cast(PlanRequest, built.request)
    problems: list[CanTrainError] = list(built.problems)
    data = plan_data(request, roots, problems)
    windows = None if data is None else data.windows
    world = World(request=request, roots=roots, data=windows, problems=problems)
    stages, warnings = resolve_stages(request)
    if data is not None and not any(isinstance(problem, DataError) for problem in problems):
        stored = StoredWindows(data, roots)
        problems += stored.problems(stages)
        warnings += stored.warnings(stages)
    rules = _Rules(force=force, register=register and not typed.smoke)
    planned = _planned(stages, world, data, built, rules)
    problems += [*unused_paths(world), *disk_problems(roots, len(stages))]
    problems += run_problems([s.frozen for s in planned if s.frozen.run_dir not in worked_on])
    needs = [needs_of(stage) for stage in stages]
    for known in executors().values():
        problems += known.malformed(needs)
    problems += _same_runs(planned)
    if executor is not None:
        problems += executor.unknown(needs)
    raise_all(problems)
    return Plan(
        plan_id=plan_id_of([stage.run_id for stage in planned]),
        roots=roots,
        stages=tuple(planned),
        warnings=(*built.warnings, *warnings),
    )


def _planned(
    stages: Sequence[ResolvedStage],
    world: World,
    data: PlanData | None,
    built: Built,
    rules: _Rules,
) -> list[PlannedStage]:
    """The stages with their runs; none from the first problem on, since ids follow from parents."""
    planned: list[PlannedStage] = []
    promised: list[Promised] = []
    for stage in stages:
        inputs = inputs_of(stage, promised, world)
        run_id = ""
        if data is not None and not world.problems:
            parents = {item.name: item.parent for item in inputs}
            config = run_config(world.request, stage, data.windows, parents)
            run = _run_dir(world.roots, config, force=rules.force)
            frozen = freeze(config, run, world.roots, register=rules.register)
            frozen = replace(
                frozen,
                provenance={
                    "given": dict(built.origins),
                    TRAINING_DIGEST: data.manifest.training_digest,
                },
            )
            pace = pace_of(world.roots.experiments, config)
            cost = cost_of(config, data.manifest, pace)
            planned.append(
                PlannedStage(stage=stage, config=config, frozen=frozen, inputs=inputs, cost=cost)
            )
            run_id = run.name
        promised.append(Promised(stage=stage, run_id=run_id))
    return planned


def plan_id_of(run_ids: Sequence[str]) -> str:
    """Identity of the plan that has these runs, in this order."""
    return hashlib.sha256(json.dumps(run_ids).encode()).hexdigest()[:RUN_ID_LENGTH]


def needs_of(stage: ResolvedStage) -> Needs:
    """What a stage asks of a cluster."""
    return Needs(
        number=stage.number,
        title=stage.title,
        model=stage.model,
        model_size=stage.model_size,
        resources=stage.resources,
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
            threads=planned.config.training.threads,
        )
        for planned in plan.stages
    )


def _same_runs(planned: Sequence[PlannedStage]) -> Iterator[ConfigError]:
    """Stages that would be one and the same run."""
    first: dict[str, PlannedStage] = {}
    for stage in planned:
        twin = first.setdefault(stage.run_id, stage)
        if twin is not stage:
            yield ConfigError(
                f"--model: {twin.stage.title} and stage {stage.stage.number} are the same run. "
                "Leave one out, or give them different seeds: --seed 0,1"
            )


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
