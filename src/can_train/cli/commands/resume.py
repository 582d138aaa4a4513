"""`can-train resume`: run again what failed or never ran, and keep what finished."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.cli.place import add_executor_choice, add_executor_options, chosen_executor
from can_train.cli.recording import add_recording_options
from can_train.config.codec import from_text, hints_of, unwrap
from can_train.config.fields import option_of
from can_train.config.schema import Resources
from can_train.errors import ConfigError
from can_train.jobs.executor import HERE, Executor, executors

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `resume`."""
    parser = subparsers.add_parser(
        "resume",
        help="run again what failed or never ran in a plan",
        description=(
            "Run again what failed or never ran in a plan, where it ran before. Finished runs are "
            "kept, interrupted ones go on where they stopped."
        ),
        epilog="example: can-train resume 0123456789ab --memory 16G",
    )
    parser.add_argument("name", metavar="PLAN", help="id, beginning of an id, or folder of a plan")
    add_again_options(parser)
    add_recording_options(parser)
    add_root_options(parser, "experiment")


def add_again_options(parser: argparse.ArgumentParser) -> None:
    """Adds what may differ from before: the place, and what jobs ask for."""
    add_executor_choice(parser.add_argument_group("where, if not where it ran before"))
    group = parser.add_argument_group("what its jobs ask for, if not the same as before")
    for item in fields(Resources):
        param = unwrap(hints_of(Resources)[item.name])[1]
        text = "" if param is None else param.help
        group.add_argument(
            option_of(item.name), metavar="VALUE", default=argparse.SUPPRESS, help=text
        )
    add_executor_options(group)


def run(args: argparse.Namespace) -> int:
    """Runs or submits what is missing; the exit code of that, 0 if nothing is.

    Raises:
        PreflightError: There is no such plan.
        ArtifactError: A run of it isn't what it made.
    """
    from can_train.cli.launch import Ended, conclude, mirroring_all
    from can_train.cli.memory_kills import record_kills
    from can_train.jobs.board import board_of
    from can_train.pipeline.again import handover_again
    from can_train.pipeline.stored import load_plan
    from can_train.runs.find import find_plan

    roots = roots_of(args)
    plan = load_plan(roots.experiments, find_plan(roots.experiments, args.name))
    record_kills(roots.experiments, board_of([stage.job for stage in plan.stages]).rows)
    several = len(plan.stages) > 1
    evaluated = frozenset(stage.job.number for stage in plan.terminal if several)
    executor = executor_again(args, plan.folder)
    resources = given_resources(args, executor)
    handover = handover_again(plan, roots.experiments, evaluated, resources)
    last = [stage.job.run_dir for stage in plan.terminal] if several else []
    with mirroring_all(handover.jobs, roots.experiments, executor):
        results = executor.execute(handover)
        ended = Ended(plan=plan.folder, experiment_root=roots.experiments, results=results)
        return conclude(ended, executor, last, None)


def executor_again(args: argparse.Namespace, plan: Path) -> Executor:
    """The executor that was chosen, else that which had the plan before."""
    before = [name for name, e in executors().items() if e.has_record(plan)]
    return chosen_executor(args, usual=before[0] if before else HERE)


def given_resources(args: argparse.Namespace, executor: Executor) -> Resources:
    """Resources that were typed.

    Raises:
        ConfigError: A value isn't allowed, or has no effect.
    """
    given: dict[str, Any] = {}
    for item in fields(Resources):
        if item.name not in args:
            continue
        if not executor.takes_resources:
            others = [e.choice for e in executors().values() if e.takes_resources]
            raise ConfigError(
                f"{option_of(item.name)}: has no effect with {executor.choice}. "
                f"Use: {others[0]} {option_of(item.name)}"
            )
        text = vars(args)[item.name]
        given[item.name] = from_text(hints_of(Resources)[item.name], text, option_of(item.name))
    return Resources(**given)
