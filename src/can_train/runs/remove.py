"""Removes the folders of runs and plans (stdlib only)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from can_train.runs.layout import CONFIGS, IDENTITY_WORDS, is_sweep, latest_link, sweep_dir


def remove_run(run: Path) -> None:
    """Removes a run, the link that points to it, and the folders above that are empty then.

    Its configs go last: what a removal that was killed leaves is still found as a run.
    """
    link = latest_link(run)
    if link.is_symlink() and link.readlink().name == run.name:
        link.unlink()
    for entry in run.iterdir():
        if entry.is_dir() and not entry.is_symlink() and entry.name != CONFIGS:
            shutil.rmtree(entry)
        elif entry.name != CONFIGS:
            entry.unlink()
    shutil.rmtree(run)
    _remove_empty(run.parents[:IDENTITY_WORDS])


def remove_plan(plan: Path) -> None:
    """Removes the record of a plan, and of the sweep that it is; its runs stay."""
    sweep = sweep_dir(plan.parent.parent, plan.name)
    if is_sweep(sweep):
        shutil.rmtree(sweep)
        _remove_empty([sweep.parent])
    shutil.rmtree(plan)
    _remove_empty([plan.parent])


def _remove_empty(folders: Iterable[Path]) -> None:
    """Removes folders, each of which lies in the next one, up to the first that holds anything."""
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
