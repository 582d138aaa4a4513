"""Artifacts on disk that a stage could consume: given by path, registered, or left by runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from can_train.config.codec import from_plain
from can_train.config.frozen import load_frozen
from can_train.config.schema import DataConfig, RunConfig
from can_train.dataset.manifest import load_manifest, split_digest
from can_train.dataset.split_names import split_problems
from can_train.errors import PreflightError, raise_all
from can_train.runs.layout import Roots, artifact_path, find_run, frozen_of_run, root_options
from can_train.runs.state import read_status
from can_train.teachers.files import all_places, read_teacher
from can_train.teachers.policy import (
    Candidate,
    Seen,
    checked_sha256,
    finished_runs,
    misfits,
    registered_teachers,
)
from can_train.teachers.weights_file import artifact_config


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a stage needs of an artifact.

    Attributes:
        modality, dataset, model: Which model of which dataset.
        data: The windows of the plan; None where the dataset can't be read.
        allow_foreign: Whether it may come from another dataset.
    """

    modality: str
    dataset: str
    model: str
    data: DataConfig | None
    allow_foreign: bool = False


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
    return path, checked_sha256(path)


def teachers_on_disk(wanted: Wanted, roots: Roots) -> list[Candidate]:
    """Teachers that fit: registered ones, then those of finished runs, the newest first."""
    if wanted.data is None:
        return []
    identity = (wanted.modality, wanted.dataset, wanted.model, "teacher")
    registered = registered_teachers(roots.teachers, wanted.dataset, wanted.model, wanted.data)
    return [*registered, *finished_runs(roots.experiments, identity, wanted.data)]


def windows_of(
    roots: Roots, modality: str, dataset: str, given: Mapping[str, object]
) -> DataConfig:
    """The windows of a prepared dataset, with what was given of features, window and split.

    Raises:
        ConfigError: A value isn't allowed.
        PreflightError: The dataset isn't prepared, or has no such split.
    """
    manifest = load_manifest(roots.data, modality, dataset)
    digests = {"dataset_digest": manifest.digest, "split_digest": ""}
    asked = DataConfig(**{**digests, **given})  # type: ignore[arg-type]  # checked below
    data = from_plain(DataConfig, asdict(asked), "data")
    raise_all(list(split_problems(manifest, data.split)))
    return replace(data, split_digest=split_digest(manifest.digest, data.split, data.window))


def no_teacher(where: str, wanted: Wanted, roots: Roots, given: str = "") -> PreflightError:
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
    return PreflightError(
        f"{where}: no {wanted.model} teacher{asked_text(wanted)}. Searched: {folder}/{names}.pth "
        f"and {names}.*.pth, finished runs under {runs}.{_elsewhere(wanted, roots)} "
        f"Train one: {train_command(wanted, 'teacher', roots, given)}"
    )


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
        _check(where, teacher.model, Seen.by_teacher(teacher), wanted)
        return teacher.sha256
    if (run / "configs").is_dir():
        _check_run(where, run, wanted)
        return None
    config = artifact_config(path)
    _check(where, config.model, Seen.by(config.dataset, config.data), wanted)
    return None


def _check_run(where: str, run: Path, wanted: Wanted) -> RunConfig:
    """The config of a run that finished, is of the model and fits the plan's windows."""
    config = load_frozen(frozen_of_run(run)).config
    _check(where, config.model, Seen.by(config.dataset, config.data), wanted)
    status = read_status(run)
    if status is None or status.state != "finished":
        raise PreflightError(
            f"{where}: run {run.name} hasn't finished. Look at it: can-train status {run.name}"
        )
    return config


def _check(where: str, model: str, seen: Seen, wanted: Wanted) -> None:
    if model != wanted.model:
        raise PreflightError(f"{where}: that is a {model}, a {wanted.model} is needed")
    if wanted.data is None:
        return
    ours = Seen.by(wanted.dataset, wanted.data)
    wrong = misfits(seen, ours, allow_foreign=wanted.allow_foreign)
    if wrong:
        raise PreflightError(
            f"{where}: that {model} was trained on {', '.join(wrong.values())}. {_way_out(wrong)}"
        )


def _way_out(wrong: Mapping[str, str]) -> str:
    options = [option for option in wrong if option]
    agree = f"Give {' '.join(options)}, or choose" if len(options) == len(wrong) else "Choose"
    return f"{agree} another one: can-train teachers list"


def _elsewhere(wanted: Wanted, roots: Roots) -> str:
    """Registered teachers of the model that don't fit, with what keeps them from it."""
    if wanted.data is None:
        return ""
    ours = Seen.by(wanted.dataset, wanted.data)
    found = []
    for path in all_places(roots.teachers):
        teacher = read_teacher(path)
        if teacher is not None and teacher.model == wanted.model:
            wrong = misfits(Seen.by_teacher(teacher), ours)
            found.append(f"{path} ({', '.join(wrong.values())})")
    return f" Registered, but not fitting: {'; '.join(found)}." if found else ""
