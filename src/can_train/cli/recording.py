"""Options that say how runs are recorded: the format of logs, MLflow; and what is passed on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, MutableMapping

from can_train.cli.other_detectors import passed_on
from can_train.runs.log_format import LOG_FORMATS
from can_train.runs.passed_on import DETECTORS, LOG_FORMAT, MLFLOW, MLFLOW_URI, OFF
from can_train.tracking.store import require_installed


def add_log_format(parser: argparse._ActionsContainer) -> None:
    """Adds `--log-format`."""
    parser.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default=argparse.SUPPRESS,
        help="lines for people, or one JSON object per line (default: text)",
    )


def add_recording_options(parser: argparse.ArgumentParser) -> None:
    """Adds all of them."""
    group = parser.add_argument_group("how it is recorded")
    add_log_format(group)
    add_store_option(group)
    group.add_argument(
        "--no-mlflow",
        action="store_true",
        default=argparse.SUPPRESS,
        help="write the records only; can-train mlflow sync brings them over later",
    )


def add_store_option(parser: argparse._ActionsContainer) -> None:
    """Adds `--mlflow-uri`."""
    parser.add_argument(
        "--mlflow-uri",
        metavar="URI",
        default=argparse.SUPPRESS,
        help=(
            f"server or database that mirrors the records (default: ${MLFLOW_URI}, else "
            "mlflow/mlflow.db among the runs)"
        ),
    )


def pass_on(given: Mapping[str, object], environ: MutableMapping[str, str] = os.environ) -> None:
    """Puts what was typed where this process and its workers look for it.

    Raises:
        PreflightError: --mlflow-uri without MLflow.
    """
    if "log_format" in given:
        environ[LOG_FORMAT] = str(given["log_format"])
    if "mlflow_uri" in given:
        require_installed("--mlflow-uri")
        environ[MLFLOW_URI] = str(given["mlflow_uri"])
    if "no_mlflow" in given:
        environ[MLFLOW] = OFF
    if "detector" in given:
        environ[DETECTORS] = passed_on(given)
