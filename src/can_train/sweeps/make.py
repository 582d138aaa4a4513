"""From a grid to a sweep: a plan per combination, and one plan of all their runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from can_train.config.codec import Json
from can_train.config.frozen import surroundings, timestamp
from can_train.config.typed import Typed
from can_train.errors import (
    CanTrainError,
    ConfigError,
    PreflightError,
    counted,
    each,
    raise_all,
)
from can_train.jobs.executor import Executor
from can_train.jobs.job import Handover, JobRequest
from can_train.pipeline.plan import Plan, jobs_of, make_plan, needs_of
from can_train.pipeline.preflight import disk_problems
from can_train.runs.layout import Roots, frozen_path, is_sweep, plan_dir, sweep_dir
from can_train.sweeps.axes import Axis
from can_train.sweeps.grid import Point, Spanned, request_document
from can_train.sweeps.manifest import (
    ConfigRecord,
    ConfigRun,
    Manifest,
    PartRecord,
    SearchRecord,
    manifest_of,
)
from can_train.sweeps.union import union


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for.

    Attributes:
        parts: Requests with their axes.
        name: What the user calls the sweep.
        command: What was typed, as a line.
        one_stage: Whether a combination is one stage.
        register: Whether finished teachers go into the registry.
    """

    parts: tuple[Spanned, ...]
    name: str = ""
    command: str = ""
    one_stage: bool = False
    register: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Everything that is to be run; nothing is written yet.

    Attributes:
        manifest: Its record.
        plan: All its runs, each once.
    """

    manifest: Manifest
    plan: Plan

    @property
    def handover(self) -> Handover:
        """The sweep as an executor takes it."""
        root, jobs = self.plan.roots.experiments, jobs_of(self.plan)
        evaluated = self.manifest.evaluated(root, jobs)
        return Handover(
            plan=plan_dir(root, self.plan.plan_id),
            experiment_root=root,
            requests=tuple(
                JobRequest(job=job, needs=needs_of(planned.stage), evaluate=job.number in evaluated)
                for planned, job in zip(self.plan.stages, jobs, strict=True)
            ),
        )


def make_sweep(order: Order, roots: Roots, executor: Executor | None = None) -> Sweep:
    """The sweep that an order means, checked by all four layers; nothing is written.

    Args:
        order: What was asked for.
        roots: Where everything lies.
        executor: Who will run it; None: nobody.

    Raises:
        CanTrainError: One problem, or all of them, each once.
    """
    points = [point for part in order.parts for point in part.points()]
    plans = _plans(points, roots, order)
    plan = union(plans, roots)
    problems: list[CanTrainError] = [*_twins(points, plans)]
    problems += disk_problems(roots, len(plan.stages))
    if executor is not None:
        problems += executor.unknown([needs_of(planned.stage) for planned in plan.stages])
    raise_all(problems)
    return Sweep(manifest=_manifest(order, _configs(points, plans), plan), plan=plan)


def order_of(manifest: Manifest) -> Order:
    """What was asked for, from the record alone; of a search the combinations that it tried."""
    (whole, *_) = parts = tuple(_spanned(p, one_stage=manifest.one_stage) for p in manifest.parts)
    if manifest.search is not None:
        tried = {config.id: config for config in manifest.configs}
        parts = tuple(_alone(whole, f"{n}", each) for n, each in enumerate(tried.values(), start=1))
    return Order(
        parts=parts,
        name=manifest.name,
        command=manifest.command,
        one_stage=manifest.one_stage,
        register=manifest.register,
    )


def _alone(part: Spanned, name: str, config: ConfigRecord) -> Spanned:
    """One combination as a part of its own."""
    axes = tuple(Axis(name=name, values=(value,)) for name, value in config.params.items())
    return replace(part, part=name, axes=axes)


def check_reproduced(manifest: Manifest, sweep: Sweep) -> None:
    """Whether a sweep has the frozen configs of the record that it was made from.

    Raises:
        PreflightError: A dataset, a parent or this program isn't what it was.
    """
    digests = sweep.manifest.data_digests
    raise_all(
        [
            PreflightError(
                f"dataset {name} has digest {str(digests.get(name))[:12]}, the sweep was made on "
                f"{digest[:12]}: it isn't the same data. Give another folder: --data-root DIR"
            )
            for name, digest in manifest.data_digests.items()
            if digests.get(name) != digest
        ]
    )
    made = {config.runs for config in sweep.manifest.configs}
    others = [config for config in manifest.configs if config.runs not in made]
    if others:
        raise PreflightError(
            f"{len(others)} of {counted(len(manifest.configs), 'combination')} would be other runs "
            f"than those of sweep {manifest.sweep_id}, first of all {others[0].words}: defaults or "
            "teachers aren't what they were. It was made by can-train "
            f"{manifest.can_train}, commit {manifest.git_commit or 'unknown'}: use that"
        )


def _plans(points: Sequence[Point], roots: Roots, order: Order) -> list[Plan]:
    """A plan per combination.

    Raises:
        CanTrainError: What is wrong with any of them, each thing once.
    """
    plans, problems = [], dict[str, CanTrainError]()
    for point in points:
        try:
            plans.append(make_plan(point.typed, roots, register=order.register))
        except CanTrainError as error:
            problems |= {str(problem): problem for problem in each(error)}
    raise_all(list(problems.values()))
    return plans


def _twins(points: Sequence[Point], plans: Sequence[Plan]) -> Iterator[ConfigError]:
    """Combinations that would be the same runs: an axis between them decides nothing."""
    first: dict[str, Point] = {}
    for point, plan in zip(points, plans, strict=True):
        twin = first.setdefault(plan.plan_id, point)
        if twin is not point:
            differing = [n for n, v in point.params.items() if twin.params.get(n) != v]
            yield ConfigError(
                f"--grid {', '.join(differing) or point.part}: decides nothing here: "
                f"{dict(twin.params)} and {dict(point.params)} are the same runs. Leave it out"
            )
            return


def _configs(points: Sequence[Point], plans: Sequence[Plan]) -> tuple[ConfigRecord, ...]:
    return tuple(config_of(point, plan) for point, plan in zip(points, plans, strict=True))


def config_of(point: Point, plan: Plan) -> ConfigRecord:
    """A combination and its plan as a record."""
    root, last = plan.roots.experiments, plan.stages[-1].frozen
    return ConfigRecord(
        id=plan.plan_id,
        path=str(frozen_path(last.run_dir, last.sha256).relative_to(root)),
        params=point.params,
        part=point.part,
        runs=tuple(
            ConfigRun(
                run_dir=str(planned.frozen.run_dir.relative_to(root)), sha256=planned.frozen.sha256
            )
            for planned in plan.stages
        ),
    )


def searched(order: Order, part: PartRecord, plan: Plan, search: SearchRecord) -> Manifest:
    """The record of a search before its first trial.

    Args:
        order: What was asked for, without parts.
        part: The request, and what is chosen from.
        plan: One with the stages of a trial and the id of the search.
        search: Who chooses, and how often.
    """
    sweep = sweep_dir(plan.roots.experiments, plan.plan_id)
    tried = len(manifest_of(sweep).configs) if is_sweep(sweep) else 0
    return replace(
        _manifest(order, (), plan),
        parts=(part,),
        search=search,
        grid_definition=part.grid_definition,
        total_combinations=max(search.trials, tried),
    )


def _manifest(order: Order, configs: tuple[ConfigRecord, ...], plan: Plan) -> Manifest:
    """The record; what was asked for before keeps its time and its command."""
    sweep = sweep_dir(plan.roots.experiments, plan.plan_id)
    before = manifest_of(sweep) if is_sweep(sweep) else None
    around = surroundings()
    commit, versions = around["git_commit"], around["versions"]
    return Manifest(
        sweep_id=plan.plan_id,
        name=order.name or (before.name if before else ""),
        created_at=before.created_at if before else timestamp(),
        command=before.command if before else order.command,
        can_train=str(versions["can_train"]) if isinstance(versions, dict) else "",
        git_commit=None if commit is None else str(commit),
        state="planned",
        one_stage=order.one_stage,
        register=order.register,
        data_digests={s.config.dataset: s.config.data.dataset_digest for s in plan.stages},
        grid_definition=_definition([axis for part in order.parts for axis in part.axes]),
        total_combinations=len(configs),
        configs=configs,
        parts=tuple(_part(part) for part in order.parts),
    )


def _part(part: Spanned) -> PartRecord:
    request, switches = request_document(part.typed)
    return PartRecord(
        name=part.part,
        grid_definition=_definition(part.axes),
        request=request,
        switches=switches,
    )


def _spanned(part: PartRecord, *, one_stage: bool) -> Spanned:
    on = {name: True for name in part.switches}
    axes = (
        Axis(name=name, values=tuple(values if isinstance(values, list) else [values]))
        for name, values in part.grid_definition.items()
    )
    typed = Typed(text=part.request, one_stage=one_stage, **on)  # type: ignore[arg-type]
    return Spanned(part=part.name, typed=typed, axes=tuple(axes))


def _definition(axes: Sequence[Axis]) -> dict[str, Json]:
    """Values by axis, each once."""
    found: dict[str, list[Json]] = {}
    for axis in axes:
        known = found.setdefault(axis.name, [])
        known += [value for value in axis.values if value not in known]
    return {name: list(values) for name, values in found.items()}
