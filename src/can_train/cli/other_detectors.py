"""`--detector`: detectors of others that have rows in every evaluation a command starts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from can_train.runs.passed_on import DETECTORS

if TYPE_CHECKING:
    from can_train.baselines.named import NamedDetector


def add_detector_option(parser: argparse._ActionsContainer) -> None:
    """Adds `--detector`, which goes on to every evaluation that the command starts."""
    parser.add_argument(
        "--detector",
        action="append",
        metavar="NAME|module:Class",
        default=argparse.SUPPRESS,
        help=(
            "also evaluate another detector: interval-rule, isolation-forest, one that is "
            "installed, or your own by module:Class or file.py:Class; may be given again "
            f"(default: ${DETECTORS})"
        ),
    )


def passed_on(given: Mapping[str, object]) -> str:
    """What `$CAN_TRAIN_DETECTORS` says for `--detector`: files by their whole path."""
    words = given["detector"]
    if not isinstance(words, list):
        raise TypeError(f"--detector: {words!r}")
    return ",".join(_whole(word.strip()) for text in words for word in str(text).split(","))


def wanted_detectors(environ: Mapping[str, str] = os.environ) -> tuple[NamedDetector, ...]:
    """The detectors of others that an evaluation shall have.

    Raises:
        ConfigError: One can't be found or loaded, or two have a name.
    """
    words = environ.get(DETECTORS, "")
    if not words:
        return ()
    from can_train.baselines.named import detectors_called
    from can_train.evaluation.beside import reserved_names

    return detectors_called([words], reserved_names())


def _whole(word: str) -> str:
    place, colon, name = word.rpartition(":")
    return f"{Path(place).absolute()}:{name}" if colon and place.endswith(".py") else word
