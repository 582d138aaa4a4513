"""`can-train train`: train one model."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_plan_options, add_root_options
from can_train.cli.recording import add_recording_options

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `train`."""
    parser = subparsers.add_parser(
        "train",
        help="train one model",
        description="Train one model.",
        epilog=epilog("train"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_plan_options(parser)
    add_recording_options(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Plans and trains; gives the exit code."""
    from can_train.cli.launch import launch

    return launch(args, one_stage=True)
