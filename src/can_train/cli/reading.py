"""Options that say how recordings are read: the same ones for every command that reads some."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from can_train.dataset.request import Reading
from can_train.errors import ConfigError
from can_train.frames.problems import LENIENT_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME_UNITS: Final = ("s", "ms", "us", "ns")
"""Words of `frames.timing.TimeUnit`, which lies beside numpy."""

_WORDS: Final = (
    "format", "columns", "lenient", "labels", "time_unit", "bus", "accept_unlabelled",
)  # fmt: skip


_ONE_BUS: Final = "only this bus of each file (default: a recording for each)"


def add_reading_options(
    parser: argparse._ActionsContainer, *, bus: str = _ONE_BUS, format_option: str = "--format"
) -> None:
    """Adds `--format`, `--columns`, `--lenient`, `--time-unit` and `--bus`.

    Args:
        parser: Takes them.
        bus: What the last one means.
        format_option: What the first one is called.
    """
    parser.add_argument(
        format_option, dest="format", metavar="NAME",
        help="format of the files (default: by content)",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=_columns, metavar="ROLE=NAME,…",
        help="columns of a table, by name or number: time=…,id=…,data=…,label=… (default: by names "
        "and content); label=none where a column is no label",
    )  # fmt: skip
    parser.add_argument(
        "--lenient", nargs="?", type=_share, const=LENIENT_SHARE, default=0.0, metavar="=SHARE",
        help="leave malformed lines out and count them, up to this share of a file's lines "
        f"(default: {LENIENT_SHARE:g}), none with an attack label",
    )  # fmt: skip
    parser.add_argument(
        "--time-unit", choices=_TIME_UNITS, help="unit of the timestamps (default: s, questioned)"
    )
    parser.add_argument("--bus", metavar="NAME", help=bus)


def add_label_table_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--labels`."""
    parser.add_argument(
        "--labels", metavar="FILE",
        help="labels in a table of their own (intervals, frames), a folder of such, or road",
    )  # fmt: skip


def add_unlabelled_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--accept-unlabelled`."""
    parser.add_argument(
        "--accept-unlabelled", action="store_true",
        help="take attacks that leave nothing to label, such as suppression; they never count as "
        "benign",
    )  # fmt: skip


def reading_of(args: argparse.Namespace) -> Reading:
    """What those of the options say that a command has."""
    given = vars(args)
    return Reading(**{word: given[word] for word in _WORDS if word in given})


def reading_options(args: argparse.Namespace) -> list[str]:
    """Those of the options that were typed, such as `--time-unit`."""
    return [f"--{word.replace('_', '-')}" for word in _WORDS if vars(args).get(word)]


def require_recordings(args: argparse.Namespace, needed: Mapping[str, str]) -> None:
    """Refuses to be told how recordings are read that there are none of.

    Args:
        args: What was typed.
        needed: Options that name recordings, as `--recordings`, and what stands behind them.

    Raises:
        ConfigError: An option says how they are read, and none of these is there.
    """
    given, said = vars(args), reading_options(args)
    if said and not any(given[option.strip("-").replace("-", "_")] for option in needed):
        wanted = " or ".join(f"{option} {value}" for option, value in needed.items())
        raise ConfigError(f"{', '.join(said)}: about recordings that aren't named. Add {wanted}")


def _columns(text: str) -> dict[str, str]:
    """Column of each role."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(role and name for role, _, name in pairs):
        raise argparse.ArgumentTypeError(
            f"{text} is not of the form ROLE=NAME,ROLE=NAME. Use: --columns time=1,id=2,data=3"
        )
    return {role.strip(): name.strip() for role, _, name in pairs}


def _share(text: str) -> float:
    """A share above 0, at most 1."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(
            f"{text} is no share of lines above 0. Use: --lenient, or --lenient=0.05, behind files"
        )
    return share
