"""Options that say how recordings are read."""

from __future__ import annotations

import argparse

from can_train.frames.problems import LENIENT_SHARE


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--format` and `--lenient`."""
    parser.add_argument(
        "--format", metavar="NAME", help="format of the files (default: by content)"
    )
    parser.add_argument(
        "--lenient", nargs="?", type=_share, const=LENIENT_SHARE, default=0.0, metavar="=SHARE",
        help="leave malformed lines out and count them, up to this share of a file's lines "
        f"(default: {LENIENT_SHARE:g}), none with an attack label",
    )  # fmt: skip


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
