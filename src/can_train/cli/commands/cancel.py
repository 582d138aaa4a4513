"""`can-train cancel`: end what works on a plan or a run."""

from __future__ import annotations

import argparse
import sys
from typing import TypeAlias

from can_train.cli.options import add_root_options, roots_of

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `cancel`."""
    parser = subparsers.add_parser(
        "cancel",
        help="end the jobs or processes of a plan or a run",
        description="End the jobs or local processes that work on a plan or a run.",
        epilog="example: can-train cancel 0123456789ab",
    )
    parser.add_argument("name", metavar="RUN|PLAN", help="id, beginning of an id, or folder")
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Cancels, and tells what; 0 also when nothing was left to cancel."""
    from can_train.jobs.cancel import cancel
    from can_train.pipeline.stored import find_plan, stages_called

    root = roots_of(args).experiments
    plan = find_plan(root, args.name)
    stages = stages_called(root, args.name) if plan is None else plan.stages
    lines = list(cancel([s.job for s in stages], None if plan is None else plan.folder))
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "nothing works on it\n")
    return 0
