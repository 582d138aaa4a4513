"""Environment variables that go from a command to the workers it starts (stdlib only).

They say how a run is recorded and what stands beside it in evaluations, and never what it is, so no
frozen config holds them. Processes on
this machine inherit them; a job script exports them, since a cluster needn't.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Final

LOG_FORMAT: Final = "CAN_TRAIN_LOG_FORMAT"
"""Either text or json."""

MLFLOW: Final = "CAN_TRAIN_MLFLOW"
"""`off`: records aren't brought into MLflow."""

MLFLOW_URI: Final = "MLFLOW_TRACKING_URI"
"""MLflow's own variable for its server or database."""

DETECTORS: Final = "CAN_TRAIN_DETECTORS"
"""Detectors of others that have rows in evaluations, with commas."""

OFF: Final = "off"
PASSED_ON: Final = (LOG_FORMAT, MLFLOW, MLFLOW_URI, DETECTORS)


def exports(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Shell lines that pass on what is set."""
    set_here = [name for name in PASSED_ON if name in environ]
    return tuple(f"export {name}={shlex.quote(environ[name])}" for name in set_here)
