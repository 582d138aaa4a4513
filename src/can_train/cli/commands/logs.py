"""`can-train logs`: what a run's latest attempt wrote."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final, TypeAlias

from can_train.cli.options import add_root_options, roots_of

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

FOLLOW_S: Final = 1.0
"""Pause between two looks at a growing log."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `logs`."""
    parser = subparsers.add_parser(
        "logs",
        help="show the log of a run's latest attempt",
        description="Show what the latest attempt of a run wrote: its standard error.",
        epilog="example: can-train logs 0123456789ab -f",
    )
    parser.add_argument("name", metavar="RUN", help="id, beginning of an id, or folder of a run")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on while the run waits or works"
    )
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the log to stdout; 0.

    Raises:
        PreflightError: The run has no log yet.
    """
    from can_train.errors import PreflightError
    from can_train.jobs.board import board_of
    from can_train.pipeline.stored import single
    from can_train.runs.find import find_run

    job = single(find_run(roots_of(args).experiments, args.name)).job
    shown, log = 0, None
    while True:
        (row,) = board_of([job]).rows
        if row.log != log:  # a later attempt writes a log of its own
            shown, log = 0, row.log
        if log is not None:
            shown = _write_from(log, shown)
        if not args.follow or not row.is_active:
            break
        time.sleep(FOLLOW_S)
    if log is None:
        raise PreflightError(
            f"run {job.run_dir.name} is {row.state} and has no log yet. "
            f"Look at it: can-train status {job.run_dir.name}"
        )
    return 0


def _write_from(log: Path, start: int) -> int:
    """Writes what `log` holds from byte `start` on, and gives its end."""
    with log.open("rb") as stream:
        stream.seek(start)
        content = stream.read()
    sys.stdout.write(content.decode("utf-8", errors="replace"))
    sys.stdout.flush()
    return start + len(content)
