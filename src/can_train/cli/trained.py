"""The argument that names a trained detector, for the commands that use one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from can_train.cli.options import roots_of

FILES: Final = (".pth", ".cantrain")
"""Ends of the files that hold a detector."""


def add_detector(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Adds `RUN`, which may be left out where it is `optional`."""
    parser.add_argument(
        "name",
        nargs="?" if optional else None,
        metavar="RUN",
        help="id, beginning of an id, or folder of a run, its .pth file, or an exported bundle",
    )


def detector_path(args: argparse.Namespace, verb: str) -> Path:
    """The folder of a finished run, or a file.

    Args:
        args: What was typed.
        verb: What is to be done with it, for the message.

    Raises:
        PreflightError: No such run, or it hasn't finished.
    """
    from can_train.cli.commands.evaluate import require_finished
    from can_train.runs.find import find_run

    path = Path(args.name)
    if path.suffix in FILES:
        return path
    run_dir = find_run(roots_of(args).experiments, args.name)
    require_finished(run_dir, verb)
    return run_dir
