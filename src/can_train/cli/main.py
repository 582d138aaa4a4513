"""Entry point: finds the command, runs it, turns errors into one message and an exit code."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Final

from can_train import __version__
from can_train.cli.parser import Parser
from can_train.errors import CanTrainError, exit_code_of

COMMANDS: Final = ("data", "train", "pipeline", "run", "status", "evaluate", "demo")
EXIT_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code.

    Args:
        argv: Arguments without the program's name; absent: those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        args = build_parser().parse_args(words)
        return int(_module(args.command).run(args))
    except CanTrainError as error:
        if "--debug" in words:
            traceback.print_exc()
        sys.stderr.write(f"{error}\n")
        return exit_code_of(error)
    except KeyboardInterrupt:
        sys.stderr.write("stopped by the user\n")
        return EXIT_INTERRUPTED


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser(
        prog="can-train",
        description="Train graph neural networks that detect intrusions on a CAN bus.",
        epilog="start with: can-train demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"can-train {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        _module(name).add_parser(subparsers)
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"can_train.cli.commands.{command}")
