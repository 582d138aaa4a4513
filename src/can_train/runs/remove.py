"""Removes the folders of runs and plans (stdlib only)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from can_train.runs.layout import IDENTITY_WORDS, latest_link


def remove_run(run: Path) -> None:
    """Removes a run, the link that points to it, and the folders above that are empty then."""
    link = latest_link(run)
    if link.is_symlink() and link.readlink().name == run.name:
        link.unlink()
    shutil.rmtree(run)
    _remove_empty(run.parents[:IDENTITY_WORDS])


def remove_plan(plan: Path) -> None:
    """Removes the record of a plan; its runs stay."""
    shutil.rmtree(plan)
    _remove_empty([plan.parent])


def _remove_empty(folders: Iterable[Path]) -> None:
    """Removes folders, each of which lies in the next one, up to the first that holds anything."""
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
