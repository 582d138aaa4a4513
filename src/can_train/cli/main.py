"""Entry point: finds the command, runs it, turns errors into one message and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import traceback
from collections.abc import MutableMapping, Sequence
from types import ModuleType
from typing import Final

from can_train import __version__
from can_train.cli.hints import with_roots
from can_train.cli.loading import runs_one_command
from can_train.cli.parser import Parser
from can_train.cli.recording import pass_on
from can_train.errors import EXIT_INTERRUPTED, CanTrainError, PreflightError, exit_code_of
from can_train.runs.typed_command import remember_command

COMMANDS: Final = (
    "demo", "data", "train", "pipeline", "sweep", "campaign", "validate", "run", "status", "logs",
    "cancel", "resume", "rm", "evaluate", "score", "detect", "serve", "export", "compare",
    "report",
    "teachers", "list-configs", "models", "batch-size", "config", "env", "mlflow", "completion",
)  # fmt: skip
SPINS: Final = "2000"
"""Some microseconds: in a step of a teacher, threads wait no longer for each other."""

EXIT_BROKEN_PIPE: Final = 141
"""As shells have it for a program that SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code.

    Args:
        argv: Arguments without the program's name; absent: those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    remember_command(words)
    if argv is None:
        runs_one_command()
        _interrupt_by_signals()
        _spin_briefly(os.environ)
    given: dict[str, object] = {}
    try:
        if not words:
            build_parser().print_help()
            return 0
        args = build_parser(words[0]).parse_args(words)
        given = vars(args)
        pass_on(given)
        return int(_module(args.command).run(args))
    except CanTrainError as error:
        if "--debug" in words:
            traceback.print_exc()
        sys.stderr.write(f"{_printable(with_roots(str(error), given))}\n")
        return exit_code_of(error)
    except BrokenPipeError:
        # The reader of stdout has gone (such as `head`); flushing at exit would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except OSError as error:
        if "--debug" in words:
            traceback.print_exc()
        where = f"{error.filename}: " if error.filename else ""
        where = _printable(where)
        sys.stderr.write(f"{where}{error.strerror or error}{_more(error, words)}\n")
        return PreflightError.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped by the user\n")
        return EXIT_INTERRUPTED


def _interrupt_by_signals() -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does; what the caller ignores stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _spin_briefly(environ: MutableMapping[str, str]) -> None:
    """Threads of torch that wait for work soon sleep: libgomp's own 300,000 turns fill a CPU.

    Before torch is loaded, and for workers, too. Who sets OMP_WAIT_POLICY has decided it.
    """
    if "OMP_WAIT_POLICY" not in environ:
        environ.setdefault("GOMP_SPINCOUNT", SPINS)


def _printable(text: str) -> str:
    """Text without what could steer a terminal; what was typed is part of messages."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _more(error: OSError, words: Sequence[str]) -> str:
    """How to see more, where the message itself names no path and hasn't shown it."""
    return "" if error.filename or "--debug" in words else ". Show where: the same with --debug"


def build_parser(command: str | None = None) -> Parser:
    """The parser of all commands, or of one alone, which is quicker.

    Args:
        command: The only command that will be parsed; absent or unknown: all.
    """
    parser = Parser(
        prog="can-train",
        description="Train graph neural networks that detect intrusions on a CAN bus.",
        epilog="start with: can-train demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"can-train {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in (command,) if command in COMMANDS else COMMANDS:
        _module(name).add_parser(subparsers)
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"can_train.cli.commands.{command.replace('-', '_')}")
