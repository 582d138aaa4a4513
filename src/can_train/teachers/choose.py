"""The artifact that was given by path or run, and what is said where none is found."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.config.frozen import frozen_config_of
from can_train.config.schema import RunConfig
from can_train.errors import ArtifactError, CanTrainError, PreflightError
from can_train.runs.find import find_run
from can_train.runs.layout import Roots, artifact_path, is_run, root_options
from can_train.runs.made import check_made
from can_train.runs.state import read_status
from can_train.runs.summary import read_validation
from can_train.teachers.candidates import unfit_runs
from can_train.teachers.files import all_places, read_teacher, recorded_sha256
from can_train.teachers.fit import Seen, Wanted, misfits, objection_to
from can_train.teachers.weights_file import artifact_config, checked_sha256

_SHOWN: Final = 5
"""Runs that come near, in a message."""


def explicit_artifact(where: str, text: str, wanted: Wanted, roots: Roots) -> tuple[Path, str]:
    """Path and hash of the artifact in a file, or of that of a run given by id or folder.

    Args:
        where: The option and stage, for messages.
        text: What was typed.
        wanted: What is needed.
        roots: Where runs lie.

    Raises:
        PreflightError: It doesn't exist, or doesn't fit.
        ArtifactError: Truncated, altered, or holding code.
    """
    path = Path(text).absolute()
    if path.is_file():
        expected = _check_file(where, path, wanted)
        return path, checked_sha256(path, expected)
    if path.suffix == ".pth":
        raise PreflightError(
            f"{where}: {text} doesn't exist. Show what does: can-train teachers list"
        )
    run = find_run(roots.experiments, text)
    config = _check_run(where, run, wanted)
    path = artifact_path(run, config.model, config.model_size)
    return path, checked_sha256(path, read_validation(run).artifact_sha256)


def no_teacher(where: str, wanted: Wanted, roots: Roots, given: str = "") -> CanTrainError:
    """What was searched in vain, and the command that trains a teacher.

    Args:
        where: The stage or option, for the message.
        wanted: What was looked for.
        roots: Where it was looked for.
        given: Settings that the command must repeat, with a blank before each.
    """
    names = f"{wanted.model}_teacher"
    folder = roots.teachers / wanted.dataset
    runs = roots.experiments / wanted.modality / wanted.dataset / "*" / wanted.model / "teacher"
    return nothing_fits(
        f"{where}: no {wanted.model} teacher{asked_text(wanted)}. Searched: {folder}/{names}.pth "
        f"and {names}.*.pth, finished runs under {runs}.{_elsewhere(wanted, roots)}",
        wanted,
        "teacher",
        roots,
        given,
    )


def nothing_fits(
    what: str, wanted: Wanted, size: str, roots: Roots, given: str = ""
) -> CanTrainError:
    """`what` was looked for in vain; which runs come near, and the command that makes one.

    Args:
        what: What was looked for, and where.
        wanted: What was looked for.
        size: Its model size.
        roots: Where it was looked for.
        given: Settings that the command must repeat, with a blank before each.

    Returns:
        An `ArtifactError` if a run might fit but isn't what it made.
    """
    unfit = unfit_runs(roots.experiments, wanted, size)
    shown = "; ".join(map(str, unfit[:_SHOWN]))
    more = f"; and {len(unfit) - _SHOWN} more" if len(unfit) > _SHOWN else ""
    near = f" There, but not fitting: {shown}{more}." if unfit else ""
    kind = ArtifactError if any(run.damaged for run in unfit) else PreflightError
    return kind(f"{what}{near} Train one: {train_command(wanted, size, roots, given)}")


def train_command(wanted: Wanted, size: str, roots: Roots, given: str = "") -> str:
    """The command that makes what is wanted."""
    return (
        f"can-train train --modality {wanted.modality} --dataset {wanted.dataset} "
        f"--model {wanted.model} --model-size {size}{given}{root_options(roots)}"
    )


def asked_text(wanted: Wanted) -> str:
    """For which windows it was looked for, with a blank before; empty where they aren't known."""
    if wanted.data is None:
        return ""
    data = wanted.data
    return f" for {wanted.dataset} ({data.features}, window {data.window}, {data.split})"


def _check_file(where: str, path: Path, wanted: Wanted) -> str | None:
    """Checks that a file fits, and gives its recorded hash: registered, of a run, or neither."""
    run = path.parent.parent
    teacher = read_teacher(path) if path.suffix == ".pth" else None
    if teacher is not None:
        _check(where, teacher.model, Seen.by_teacher(teacher, path), wanted)
    elif is_run(run):
        _check_run(where, run, wanted)
    else:
        config = artifact_config(path)
        _check(where, config.model, Seen.of(config), wanted)
    return recorded_sha256(path)


def _check_run(where: str, run: Path, wanted: Wanted) -> RunConfig:
    """The config of a run that finished, is of the model and fits the plan's windows."""
    check_made(run)
    config = frozen_config_of(run).config
    _check(where, config.model, Seen.of(config), wanted)
    status = read_status(run)
    if status is None or status.state != "finished":
        raise PreflightError(
            f"{where}: run {run.name} hasn't finished. Look at it: can-train status {run.name}"
        )
    return config


def _check(where: str, model: str, seen: Seen, wanted: Wanted) -> None:
    objection = objection_to(where, model, seen, wanted)
    if objection is not None:
        raise PreflightError(objection)


def _elsewhere(wanted: Wanted, roots: Roots) -> str:
    """Registered teachers of the model that don't fit, with what keeps them from it."""
    if wanted.data is None:
        return ""
    ours = Seen.by(wanted.dataset, wanted.data)
    found = []
    for path in all_places(roots.teachers):
        teacher = read_teacher(path)
        if teacher is not None and teacher.model == wanted.model:
            wrong = misfits(Seen.by_teacher(teacher, path), ours)
            found.append(f"{path} ({', '.join(wrong.values())})")
    return f" Registered, but not fitting: {'; '.join(found)}." if found else ""
