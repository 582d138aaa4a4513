"""`can-train pipeline`: train stages on the artifacts of earlier ones, and evaluate."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_plan_options, add_root_options
from can_train.cli.recording import add_recording_options

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `pipeline`."""
    parser = subparsers.add_parser(
        "pipeline",
        help="train several stages, each on the artifacts of earlier ones, and evaluate",
        description="Train several stages, each on the artifacts of earlier ones, and evaluate.",
        epilog=epilog("pipeline"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_plan_options(parser)
    add_recording_options(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Plans and trains; gives the exit code."""
    from can_train.cli.launch import launch

    return launch(args, one_stage=False)
