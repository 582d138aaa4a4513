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
    from can_train.pipeline.stored import stages_of
    from can_train.runs.find import RUN_OR_PLAN, find

    root = roots_of(args).experiments
    found = find(root, args.name, RUN_OR_PLAN)
    jobs = [stage.job for stage in stages_of(root, found)]
    lines = list(cancel(jobs, found.folder if found.kind == "plan" else None))
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "nothing works on it\n")
    return 0
