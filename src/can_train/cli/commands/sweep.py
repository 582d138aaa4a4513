"""`can-train sweep`: train the combinations of a grid, and choose among them by validation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final, TypeAlias

from can_train.cli.commands.resume import add_again_options
from can_train.cli.examples import epilog
from can_train.cli.options import add_plan_options, add_root_options
from can_train.cli.place import add_executor_choice, add_executor_options
from can_train.cli.recording import add_recording_options
from can_train.cli.values import WholeNumber, file_path, file_text, folder_path
from can_train.sweeps.grid import MOST_COMBINATIONS
from can_train.sweeps.manifest import SAMPLERS

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

ALL_ROOTS: Final = ("data", "experiment", "teacher")
_MOST_NAME: Final = 60
"""Characters of a name that tables have room for."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `sweep` with its commands."""
    parser = subparsers.add_parser(
        "sweep",
        help="train the combinations of a grid, and choose among them",
        description=(
            "Train every combination of a grid; what several of them need is trained once. A "
            "sweep is also a plan of the same id, so status, logs, cancel and rm take it."
        ),
        epilog=epilog("sweep"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="sweep_command", metavar="COMMAND", required=True)
    for name, text in (
        ("train", "train one model per combination"),
        ("pipeline", "run a pipeline per combination, and evaluate it"),
    ):
        _add_grid(_command(commands, name, text))
    _add_reproduce(commands)
    _add_again(commands)
    _add_views(commands)


def run(args: argparse.Namespace) -> int:
    """Runs the chosen command, and gives its exit code."""
    from can_train.cli.sweep_launch import cancel_sweep, launch_sweep, reproduce_sweep, resume_sweep
    from can_train.cli.sweep_results import show_best, show_results
    from can_train.cli.sweep_views import show_status

    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "train": launch_sweep,
        "pipeline": launch_sweep,
        "reproduce": reproduce_sweep,
        "resume": resume_sweep,
        "retry-failed": resume_sweep,
        "cancel": cancel_sweep,
        "status": show_status,
        "results": show_results,
        "best": show_best,
    }
    return commands[args.sweep_command](args)


def _command(commands: Subparsers, name: str, text: str) -> argparse.ArgumentParser:
    description = f"{text[:1].upper()}{text[1:]}."
    return commands.add_parser(name, help=text, description=description)


def add_grid_options(parser: argparse.ArgumentParser) -> None:
    """Adds what spans a sweep."""
    group = parser.add_argument_group("the grid")
    group.add_argument(
        "--grid", action="append", metavar="NAME=VALUE,…", default=argparse.SUPPRESS,
        help="an axis: a word or setting and its values; [a,b] is one value per stage; a search "
        "also takes LOW..HIGH, LOW..HIGH:log and LOW..HIGH:linear",
    )  # fmt: skip
    group.add_argument(
        "--search", choices=SAMPLERS, default=argparse.SUPPRESS,
        help="don't train all: choose the next combination by how those before did on validation",
    )  # fmt: skip
    group.add_argument(
        "--trials", type=WholeNumber(least=2, most=MOST_COMBINATIONS), metavar="N",
        default=argparse.SUPPRESS, help="with --search: how many combinations to try",
    )  # fmt: skip
    group.add_argument(
        "--grid-file", type=file_text, metavar="FILE", default=argparse.SUPPRESS,
        help="a YAML or JSON file with name, request, grid and parts, or campaign: both sizes of "
        "all models with what each part of the method is worth (docs/guides/sweeps.md); a file "
        "of that name is ./campaign",
    )  # fmt: skip
    group.add_argument(
        "--name", type=_name, metavar="NAME", default=argparse.SUPPRESS, help="what tables call it"
    )


def _add_grid(parser: argparse.ArgumentParser) -> None:
    add_grid_options(parser)
    add_plan_options(parser, again=False)
    add_recording_options(parser)
    add_root_options(parser, *ALL_ROOTS)


def _add_reproduce(commands: Subparsers) -> None:
    text = "run a whole sweep again from its manifest alone"
    parser = _command(commands, "reproduce", text)
    parser.add_argument(
        "manifest", metavar="MANIFEST", help="a manifest.json, or a sweep by its id or folder"
    )
    parser.add_argument(
        "--dry-run", action="store_true", default=argparse.SUPPRESS,
        help="show the sweep and write nothing",
    )  # fmt: skip
    group = parser.add_argument_group("where it runs")
    add_executor_choice(group)
    add_executor_options(group)
    add_recording_options(parser)
    add_root_options(parser, *ALL_ROOTS)


def _add_again(commands: Subparsers) -> None:
    for name, text in (
        ("resume", "run what is missing in a sweep"),
        ("retry-failed", "run again only what failed in a sweep"),
    ):
        parser = _command(commands, name, text)
        _add_name(parser)
        add_again_options(parser)
        add_recording_options(parser)
        add_root_options(parser, "data", "experiment")
    parser = _command(commands, "cancel", "end what works on a sweep")
    _add_name(parser)
    add_root_options(parser, "experiment")


def _add_views(commands: Subparsers) -> None:
    parser = _command(commands, "status", "show how the combinations of a sweep stand")
    parser.add_argument(
        "name", nargs="?", metavar="SWEEP", help="id, beginning of an id, or folder; none: all"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_root_options(parser, "experiment")
    parser = _command(commands, "results", "show what came out of a sweep, over seeds")
    _add_name(parser)
    parser.add_argument(
        "--evaluate", action="store_true", help="first evaluate the finished runs that aren't"
    )
    parser.add_argument(
        "--stages", action="store_true", help="a row for every stage of a pipeline, not the last"
    )
    parser.add_argument(
        "--out", action="append", type=file_path, metavar="FILE", default=argparse.SUPPRESS,
        help="also write them, as the name ends: .md, .tex, .csv, .parquet",
    )  # fmt: skip
    parser.add_argument(
        "--pictures", type=folder_path, metavar="DIR", default=argparse.SUPPRESS,
        help="also draw one picture per axis into this folder, as SVG",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_root_options(parser, "data", "experiment")
    parser = _command(commands, "best", "show the best combination on validation")
    _add_name(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_root_options(parser, "experiment")


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="SWEEP", help="id, beginning of an id, or folder")


def _name(text: str) -> str:
    """A name that fits into tables."""
    if not text.strip() or len(text) > _MOST_NAME or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"{text[:_MOST_NAME]} isn't allowed. Allowed: 1 to {_MOST_NAME} printable characters"
        )
    return text.strip()
