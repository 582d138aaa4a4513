"""`can-train data sniff`: how recordings are understood."""

from __future__ import annotations

import argparse
import sys
from typing import TypeAlias

from can_train.cli.reading import add_reading_options, reading_of
from can_train.cli.values import file_path
from can_train.vocab import MODALITIES

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_sniff(commands: Subparsers) -> None:
    """Adds `data sniff`."""
    parser = commands.add_parser(
        "sniff",
        help="show how a recording is understood, without importing it",
        description=(
            "Read recordings and show the format, what the columns of a table were taken for, and "
            "how many frames, IDs, buses and labelled attacks there are. Nothing is stored."
        ),
        epilog="example: can-train data sniff --modality automotive drive.csv",
    )
    parser.add_argument("files", nargs="+", type=file_path, metavar="FILE", help="recordings")
    parser.add_argument("--modality", choices=MODALITIES, required=True, help="application domain")
    add_reading_options(parser)


def sniff(args: argparse.Namespace) -> None:
    """Runs `data sniff`."""
    from can_train.dataset.reading import sniffed

    for path in args.files:
        before = f"{path}: "
        for line in sniffed(path, reading_of(args)):
            sys.stdout.write(f"{before}{line}\n")
            before = "  "
