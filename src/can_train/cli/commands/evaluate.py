"""`can-train evaluate`: score a finished run on every official scenario of its dataset."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `evaluate`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a finished run on every test scenario",
        description=(
            "Score a finished run on every test scenario of its dataset, per file and per "
            "scenario, beside the control rows; writes evaluation.json and evaluation.csv."
        ),
        epilog=epilog("evaluate"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="RUN", help="id, beginning of an id, or folder of a run")
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print evaluation.json instead of the table",
    )
    add_root_options(parser, "data", "experiment")


def run(args: argparse.Namespace) -> int:
    """Evaluates, writes the table, and gives 0."""
    from can_train.config.frozen import load_frozen
    from can_train.runs.find import find_run
    from can_train.runs.layout import evaluation_path, frozen_of_run

    roots = roots_of(args)
    run_dir = find_run(roots.experiments, args.name)
    frozen = load_frozen(frozen_of_run(run_dir))
    require_finished(run_dir)
    data_root = roots.data if "data_root" in args else frozen.data_root
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    from can_train.evaluation.scenarios import evaluate_run
    from can_train.evaluation.table import print_report

    report = evaluate_run(run_dir, data_root)
    if "json" in args:
        sys.stdout.write(evaluation_path(run_dir).read_text(encoding="utf-8"))
    else:
        print_report(report, sys.stdout)
    return 0


def require_finished(run_dir: Path, verb: str = "evaluate") -> None:
    """Refuses a run without an artifact.

    Args:
        run_dir: The run.
        verb: What was to be done with it, for the message.

    Raises:
        PreflightError: The run hasn't finished.
    """
    from can_train.errors import PreflightError
    from can_train.runs.state import current_status

    status = current_status(run_dir)
    state = "planned" if status is None else status.state
    if state != "finished":
        raise PreflightError(
            f"run {run_dir.name} is {state}, so there is nothing to {verb}. "
            f"Look at it: can-train status {run_dir.name}"
        )
