"""Hands a plan to its executor, and evaluates: what `train`, `pipeline` and `resume` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from can_train.cli.ending import write_ending
from can_train.cli.evaluation_process import evaluate, given_data_root
from can_train.cli.place import chosen_executor
from can_train.cli.planning import plans_of, show, show_as_json
from can_train.errors import EXIT_INTERRUPTED, CanTrainError, ConfigError, counted
from can_train.jobs.executor import HERE, Executor, executor_called, executors
from can_train.jobs.job import Handover, Job, JobRequest, JobResult
from can_train.runs.layout import plan_dir
from can_train.runs.state import read_status

if TYPE_CHECKING:
    from can_train.pipeline.plan import Plan, PlannedStage


def launch(args: argparse.Namespace, *, one_stage: bool) -> int:
    """Plans, shows the plan and, without `--dry-run`, runs it; gives the exit code."""
    executor = chosen_executor(args)
    if "json" in args and "dry_run" not in args:
        raise ConfigError("--json: only a plan that isn't run is shown as JSON. Add --dry-run")
    from can_train.pipeline.plan import jobs_of

    executor.check()
    plans = plans_of(args, one_stage=one_stage, executor=executor)
    if "json" in args:
        show_as_json(plans)
        return 0
    for plan in plans:
        show(plan)
        if "dry_run" in args:
            sys.stdout.writelines(executor.preview(_handover(plan, one_stage=one_stage)))
    if "dry_run" in args:
        return 0
    (plan,) = plans
    warn_of_resources(plan, executor)
    last = [] if one_stage else [planned.frozen.run_dir for planned in plan.terminal]
    with mirroring_all(jobs_of(plan), plan.roots.experiments, executor):
        ended = run_plan(plan, executor, one_stage=one_stage)
        return conclude(ended, executor, last, given_data_root(args))


def mirroring_all(
    jobs: Sequence[Job], experiment_root: Path, executor: Executor
) -> AbstractContextManager[None]:
    """One mirror of all runs of a plan, their evaluations included, where they are run here."""
    from can_train.tracking.follow import mirroring_together

    runs = [job.run_dir for job in jobs]
    if len(runs) < 2 or not executor.waits or all(map(_is_finished, runs)):
        return nullcontext()  # one worker has its own; and nothing is brought over twice
    return mirroring_together(runs, experiment_root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a plan.

    Attributes:
        plan: Its folder.
        experiment_root: Where its runs lie.
        results: How its stages ended, in their order.
    """

    plan: Path
    experiment_root: Path
    results: tuple[JobResult, ...]


def run_plan(plan: Plan, executor: Executor | None = None, *, one_stage: bool = False) -> Ended:
    """Writes the plan and hands it to its executor: this machine unless another one is given.

    Raises:
        CanTrainError: Nothing was started; what was written for it is gone again.
    """
    handover = _handover(plan, one_stage=one_stage)
    results = execute(plan, handover, executor or executor_called(HERE))
    return Ended(plan=handover.plan, experiment_root=plan.roots.experiments, results=results)


def execute(plan: Plan, handover: Handover, executor: Executor) -> tuple[JobResult, ...]:
    """Writes the plan, hands it over, and tells what became of its teachers.

    Raises:
        CanTrainError: Nothing was started; what was written for it is gone again.
    """
    from can_train.pipeline.record import unwrite_plan, write_plan
    from can_train.teachers.policy import is_teacher

    write_plan(plan)
    try:
        results = executor.execute(handover)
    except CanTrainError:
        unwrite_plan(plan)
        raise
    said: dict[str, list[str]] = {}
    for planned, result in zip(plan.stages, results, strict=True):
        if executor.waits and result.ok and is_teacher(planned.config):
            said.setdefault(_registration(planned), []).append(planned.stage.title)
    for text, (first, *others) in said.items():
        more = f" and {counted(len(others), 'other stage')}" if others else ""
        sys.stdout.write(f"{first}{more}: {text}\n")
    return results


def conclude(ended: Ended, executor: Executor, last: Sequence[Path], data_root: Path | None) -> int:
    """Evaluates the runs that end a plan, where nobody else does, and says how it ended.

    Args:
        ended: What became of it.
        executor: Who ran its stages.
        last: Folders of the runs whose artifact no other stage consumes.
        data_root: Data root that was typed.

    Returns:
        The exit code.
    """
    results = ended.results
    codes = []
    try:
        if executor.waits and not was_stopped(results):
            codes = [
                evaluate(result.job.run_dir, data_root, reuse=result.outcome == "reused")
                for result in results
                if result.ok and result.job.run_dir in last
            ]
    finally:  # Ctrl-C during an evaluation, too
        write_ending(results, ended.plan, ended.experiment_root)
    return exit_code(results) or max(codes, default=0)


def exit_code(results: Sequence[JobResult]) -> int:
    """0 if every stage has its artifact, else the code of the first one that failed."""
    failed = [result for result in results if not result.ok]
    return next((result.exit_code for result in failed if result.exit_code), 1) if failed else 0


def _is_finished(run: Path) -> bool:
    status = read_status(run)
    return status is not None and status.state == "finished"


def _handover(plan: Plan, *, one_stage: bool) -> Handover:
    from can_train.pipeline.plan import jobs_of, needs_of

    terminal = set() if one_stage else {planned.stage.number for planned in plan.terminal}
    return Handover(
        plan=plan_dir(plan.roots.experiments, plan.plan_id),
        experiment_root=plan.roots.experiments,
        requests=tuple(
            JobRequest(job=job, needs=needs_of(planned.stage), evaluate=job.number in terminal)
            for planned, job in zip(plan.stages, jobs_of(plan), strict=True)
        ),
    )


def was_stopped(results: Sequence[JobResult]) -> bool:
    """Whether the user stopped the plan; nothing more is started then."""
    return any(not r.ok and r.exit_code == EXIT_INTERRUPTED for r in results)


def warn_of_resources(plan: Plan, executor: Executor) -> None:
    """Resources are for a cluster; a run on this machine takes what there is."""
    from can_train.config.fields import SETTINGS, option_of

    if executor.takes_resources:
        return
    asked = {name for planned in plan.stages for name in planned.stage.settings}
    unused = [option_of(n) for n in SETTINGS if n in asked and SETTINGS[n].section == "resources"]
    if unused:
        others = " or ".join(e.choice for e in executors().values() if e.takes_resources)
        sys.stderr.write(f"warning: {', '.join(unused)}: no effect without {others}\n")


def _registration(planned: PlannedStage) -> str:
    """What became of a teacher; that of a reused run is offered to the registry of this call."""
    from can_train.teachers.policy import register_teacher

    try:
        return register_teacher(planned.frozen)
    except CanTrainError as error:  # a damaged registry doesn't undo the training
        return f"teacher not registered: {error}. Then: can-train teachers add {planned.run_id}"
