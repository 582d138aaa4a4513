"""`can-train campaign`: the whole table that is published, as one sweep."""

from __future__ import annotations

import argparse
from typing import Final, TypeAlias

from can_train.cli.options import add_plan_options, add_root_options
from can_train.cli.other_detectors import add_detector_option, wanted_detectors
from can_train.cli.recording import add_recording_options
from can_train.cli.values import file_path

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

GRID: Final = "campaign.yaml"
"""The file of the grid that comes with the program."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `campaign`."""
    parser = subparsers.add_parser(
        "campaign",
        help="train the whole table that is published, as one sweep",
        description=(
            "Train both sizes of all models with three seeds, students with and without "
            "distillation, every fusion policy, and the curriculum against all windows and against "
            "fixed undersampling. What parts share is trained once. It is a sweep: the commands of "
            "can-train sweep take it."
        ),
        epilog="example: can-train campaign --modality automotive --grid dataset=hcrl_sa,set_01",
    )
    group = parser.add_argument_group("the grid")
    group.add_argument(
        "--grid", action="append", metavar="NAME=VALUE,…", default=argparse.SUPPRESS,
        help="a further axis, such as datasets, or other values of one that it has: seed=1,2",
    )  # fmt: skip
    group.add_argument(
        "--out", action="append", type=file_path, metavar="FILE", default=argparse.SUPPRESS,
        help="write the results there at the end, as the name ends: .md, .tex, .csv, .parquet",
    )  # fmt: skip
    add_detector_option(group)
    add_plan_options(parser, again=False)
    add_recording_options(parser)
    add_root_options(parser, "data", "experiment", "teacher")


def run(args: argparse.Namespace) -> int:
    """Plans and trains; gives the exit code.

    Raises:
        ConfigError: Results are wanted where nobody waits for them, or a detector isn't one.
    """
    from can_train.cli.place import chosen_executor
    from can_train.cli.sweep_launch import start_grid
    from can_train.cli.sweep_results import check_outs
    from can_train.errors import ConfigError
    from can_train.sweeps.grid import SHIPPED, read_grid

    check_outs(vars(args).get("out", ()))
    wanted_detectors()  # one that can't be loaded is told before anything is trained
    if "out" in args and not chosen_executor(args).waits:
        raise ConfigError(
            "--out: nobody waits for these jobs. When they have ended: can-train sweep results "
            "SWEEP --stages --out FILE"
        )
    return start_grid(args, read_grid(SHIPPED / GRID), one_stage=False)
