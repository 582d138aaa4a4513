"""From arguments to plans, and plans in words: what `train`, `pipeline` and `validate` share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from can_train.cli.options import roots_of, typed_from
from can_train.errors import CanTrainError, ConfigError, each, raise_all

if TYPE_CHECKING:
    from can_train.jobs.executor import Executor
    from can_train.pipeline.plan import Plan


def plans_of(
    args: argparse.Namespace, *, one_stage: bool, executor: Executor | None = None
) -> list[Plan]:
    """The plan that was asked for, or, to be shown only, one per point of a grid.

    Args:
        args: What was typed.
        one_stage: Whether it is a single job.
        executor: Who will run it; None: nobody.

    Raises:
        CanTrainError: What is wrong with any of them, each thing once.
    """
    from can_train.config.typed import expand
    from can_train.pipeline.plan import make_plan

    points = expand(typed_from(args, one_stage=one_stage))
    problems: dict[str, CanTrainError] = {}
    if len(points) > 1 and "dry_run" not in args:
        grid = ConfigError(
            f"--model-args, --slurm-args: the lists span a grid of {len(points)} plans, and "
            f"{args.command} runs one. Run them all: the word sweep before {args.command}; show "
            "them: the same with --dry-run; or give single values"
        )
        problems[str(grid)] = grid
    plans = []
    for point in points:
        try:
            plan = make_plan(
                point,
                roots_of(args),
                force="force" in args,
                register="no_register" not in args,
                executor=executor,
            )
            plans.append(plan)
        except CanTrainError as error:
            problems |= {str(problem): problem for problem in each(error)}
    raise_all(list(problems.values()))
    return plans


def show(plan: Plan) -> None:
    """Writes warnings to stderr and the plan to stdout."""
    from can_train.pipeline.plan_table import COLUMNS, heading, plan_rows, remarks
    from can_train.tables import write_lines, write_table

    for warning in plan.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    write_lines(sys.stdout, [heading(plan)])
    write_table(sys.stdout, COLUMNS, plan_rows(plan))
    write_lines(sys.stdout, remarks(plan))
    sys.stdout.flush()


def show_as_json(plans: Sequence[Plan]) -> None:
    """Writes plans as one JSON document."""
    from can_train.pipeline.record import plan_document

    documents = [plan_document(plan) for plan in plans]
    document = documents[0] if len(documents) == 1 else {"plans": list(documents)}
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
