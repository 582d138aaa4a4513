"""Which splits a dataset has, by name: preflight and the worker ask here (stdlib only)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from can_train.config.split_name import (
    BY_TIME,
    LEAVE_OUT,
    SPLIT_FORMS,
    Fold,
    LeaveOut,
    fold_of,
    is_split_name,
)
from can_train.dataset.manifest import DatasetManifest
from can_train.errors import PreflightError, did_you_mean
from can_train.frames.recording import Recording

_WORDS: Final[dict[LeaveOut, tuple[str, str]]] = {
    "leave-vehicle-out": ("vehicle", "recording"),
    "leave-attack-out": ("attack kind", "attack"),
}
"""What each rule leaves out, and what is missing where it is all there was."""


def folds(manifest: DatasetManifest) -> tuple[Fold, ...]:
    """The splits of a dataset that leave something out, in the order in which they are shown.

    What all training recordings have in common can't be left out of them.
    """
    return tuple(
        Fold(rule=rule, value=value)
        for rule in LEAVE_OUT
        if len(_values(manifest, rule)) > 1
        for value in sorted(_values(manifest, rule))
    )


def split_problems(manifest: DatasetManifest, name: str) -> Iterator[PreflightError]:
    """What keeps a dataset from being split by the rule called `name`."""
    if not is_split_name(name):
        yield PreflightError(f"--split: {name} isn't a split. Allowed: {', '.join(SPLIT_FORMS)}")
        return
    fold, known = fold_of(name), folds(manifest)
    if fold is None or fold in known:
        return
    what, left = _WORDS[fold.rule]
    if fold.value in _values(manifest, fold.rule):
        yield PreflightError(
            f"--split: {fold.value} is the only {what} in the training recordings of "
            f"{manifest.dataset}: no {left} would be left to train on. "
            f"Allowed: {', '.join([BY_TIME, *map(str, known)])}"
        )
        return
    same_rule = [str(other) for other in known if other.rule == fold.rule]
    yield PreflightError(
        f"--split: {manifest.dataset} has no {what} {fold.value} in its training recordings"
        f"{did_you_mean(name, same_rule) or '.'} "
        f"Allowed: {', '.join([*(same_rule or map(str, known)), BY_TIME])}"
    )


def held_out_recordings(manifest: DatasetManifest, name: str) -> tuple[Recording, ...]:
    """Training recordings that the split called `name` keeps out of training altogether.

    Raises:
        PreflightError: No such split for this dataset.
    """
    for problem in split_problems(manifest, name):
        raise problem
    fold = fold_of(name)
    if fold is None:
        return ()
    return tuple(r for r in manifest.train if _value(r, fold.rule) == fold.value)


def _values(manifest: DatasetManifest, rule: LeaveOut) -> set[str]:
    """Vehicles, or kinds of attack, of the training recordings."""
    of_all = {_value(recording, rule) for recording in manifest.train}
    return of_all if rule == "leave-vehicle-out" else of_all - {"none"}


def _value(recording: Recording, rule: LeaveOut) -> str:
    return recording.vehicle if rule == "leave-vehicle-out" else recording.attack_kind
