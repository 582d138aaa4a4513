"""Where MLflow keeps the mirror of the records, and whether there is one (stdlib only)."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from can_train.errors import PreflightError
from can_train.runs.passed_on import MLFLOW, MLFLOW_URI, OFF

INSTALL: Final = "can-train env --install mlflow"
"""Installs MLflow."""

FOLDER: Final = "mlflow"
SQLITE: Final = "sqlite:///"
HTTP: Final = ("http", "https")


def is_installed() -> bool:
    """Whether the extra is there; MLflow isn't imported for it."""
    return importlib.util.find_spec("mlflow") is not None


def require_installed(what: str) -> None:
    """Refuses what needs the extra where it is missing.

    Raises:
        PreflightError: It is.
    """
    if not is_installed():
        raise PreflightError(f"{what} needs MLflow, which isn't installed. Get it, once: {INSTALL}")


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether records are to be mirrored while runs go on."""
    return environ.get(MLFLOW) != OFF and is_installed()


def store_uri(experiment_root: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The server or database: `$MLFLOW_TRACKING_URI`, else a file among the runs."""
    return environ.get(MLFLOW_URI) or f"{SQLITE}{mirror_dir(experiment_root) / 'mlflow.db'}"


def mirror_dir(experiment_root: Path) -> Path:
    """Folder of the database, and of the lock of those who write."""
    return experiment_root.absolute() / FOLDER


def is_server(uri: str) -> bool:
    """Whether a server answers at `uri`."""
    return urlsplit(uri).scheme in HTTP


def without_password(uri: str) -> str:
    """`uri` as it may be shown."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return uri.replace(f":{parts.password}@", ":***@", 1)
