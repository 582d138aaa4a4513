"""Whether an interrupted run still has what it goes on from, told without torch (stdlib only)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.errors import ArtifactError
from can_train.runs.layout import last_checkpoint
from can_train.runs.made import MAKE_AGAIN, check_whole
from can_train.runs.state import read_status
from can_train.teachers.weights_file import stored_document

_REPEATED_EPOCHS: Final = 1
"""Epochs that may be lost when a run is killed: its first checkpoint may not be written yet."""


def check_checkpoint(run: Path) -> None:
    """Whether a run that was interrupted still has its checkpoint; others aren't looked at.

    Raises:
        ArtifactError: It is gone, damaged, or of another run.
    """
    status, checkpoint = read_status(run), last_checkpoint(run)
    if status is None or status.state == "finished":
        return
    if checkpoint.is_file():
        check_whole(checkpoint)
        _check_owner(run, checkpoint)
    elif status.epoch > _REPEATED_EPOCHS:
        raise ArtifactError(
            f"{checkpoint}: missing although run {run.name} trained {status.epoch} epochs. "
            f"{MAKE_AGAIN}"
        )


def _check_owner(run: Path, checkpoint: Path) -> None:
    """Whether it says that it is of `run`; only the worker sees whether its tensors fit."""
    document = stored_document(checkpoint)
    if not isinstance(document, dict) or "optimizer" not in document:
        raise ArtifactError(f"{checkpoint}: not the checkpoint of a run. {MAKE_AGAIN}")
    if document.get("run", run.name) != run.name:
        raise ArtifactError(f"{checkpoint}: checkpoint of run {document['run']}. {MAKE_AGAIN}")
