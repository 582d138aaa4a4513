"""How recordings are read: the options that say it, and `can-train data sniff`."""

from __future__ import annotations

import argparse
import sys
from typing import TypeAlias

from can_train.cli.reading import add_reading_options
from can_train.cli.values import file_path
from can_train.errors import ConfigError
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
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how recordings are read."""
    add_reading_options(parser)
    parser.add_argument(
        "--columns",
        metavar="ROLE=NAME,…",
        help="columns of a table, by name or number: time=…,id=…,data=…,label=… (default: by names "
        "and content); label=none where a column is no label",
    )


def columns_of(text: str | None) -> dict[str, str]:
    """Column of each role in `--columns`.

    Raises:
        ConfigError: It isn't of the form `role=name,role=name`.
    """
    pairs = [pair.partition("=") for pair in text.split(",")] if text else []
    for role, _, name in pairs:
        if not (role and name):
            raise ConfigError(
                f"--columns {text}: not of the form ROLE=NAME,ROLE=NAME. "
                f"Use: --columns time=1,id=2,data=3"
            )
    return {role.strip(): name.strip() for role, _, name in pairs}


def sniff(args: argparse.Namespace) -> None:
    """Runs `data sniff`."""
    from can_train.frames.readers.registry import read_recording
    from can_train.frames.sniffing import told

    for path in args.files:
        result = read_recording(
            path, format=args.format, lenient=args.lenient, columns=columns_of(args.columns)
        )
        sys.stdout.write(f"{path}: {told(result)}\n")
        for line in (*result.understood, *result.first_problems):
            sys.stdout.write(f"  {line}\n")
