"""Registered teachers by dataset and model, and the finished runs beside them (stdlib only)."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from can_train.config.frozen import FrozenConfig, load_frozen
from can_train.config.schema import DataConfig, RunConfig
from can_train.errors import ArtifactError
from can_train.runs.files import read_object, sha256_of, write_atomic
from can_train.runs.layout import artifact_path, frozen_of_run, iter_runs
from can_train.runs.status import read_status
from can_train.runs.summary import Validation, read_validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """What the `.json` beside a registered teacher says."""

    sha256: str
    model: str
    features: str
    window: int
    split_digest: str
    dataset_digest: str
    run_id: str
    metric: str
    value: float
    higher_is_better: bool

    @property
    def validation(self) -> Validation:
        """The figure by which it is compared with its successor."""
        return Validation(
            metric=self.metric,
            value=self.value,
            higher_is_better=self.higher_is_better,
            artifact_sha256=self.sha256,
        )

    def same_data(self, other: Teacher) -> bool:
        """Whether features, window and split agree, so that the figures compare."""
        mine = (self.features, self.window, self.split_digest)
        return mine == (other.features, other.window, other.split_digest)

    def fits(self, data: DataConfig) -> bool:
        """Whether it may teach on `data`: same features, window and split."""
        mine = (self.features, self.window, self.split_digest)
        return mine == (data.features, data.window, data.split_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An artifact that could be a stage's teacher or input.

    Attributes:
        path: The `.pth` file.
        origin: Where it comes from, in words.
        recorded: The hash it had when it was registered; None: its run's summary says so.
    """

    path: Path
    origin: str
    recorded: str | None = None

    def checked_sha256(self) -> str:
        """Hash of the file after a look at its wholeness; only the chosen one need be whole.

        Raises:
            ArtifactError: Truncated, altered or missing.
        """
        expected = self.recorded or read_validation(self.path.parent.parent).artifact_sha256
        return checked_sha256(self.path, expected)


def teacher_path(root: Path, dataset: str, model: str, variant: str = "") -> Path:
    """Place of a registered teacher; variants (`relational-w100`) stand beside the main one."""
    name = f"{model}_teacher.{variant}.pth" if variant else f"{model}_teacher.pth"
    return root / dataset / name


def is_teacher(config: RunConfig) -> bool:
    """Whether a run's artifact can teach: fusion combines experts and never distils."""
    return config.model_size == "teacher" and config.model != "dqn"


def register_teacher(frozen: FrozenConfig) -> str:
    """Registers the artifact of a finished teacher run.

    It replaces a registered one only with the same features, window and split, and a worse
    validation figure; otherwise it stands beside it.

    Returns:
        One line that says what happened.
    """
    if frozen.teacher_root is None:
        return "teacher not registered: --no-register"
    config = frozen.config
    if config.data.windows_per_side is not None:
        return "teacher not registered: it saw only a part of the windows (--windows-per-side)"
    artifact = artifact_path(frozen.run_dir, config.model, config.model_size)
    new = _described(frozen)
    found = sha256_of(artifact)
    if found != new.sha256:
        raise _altered(artifact, new.sha256, found)
    variant = f"{new.features}-w{new.window}"
    places = [teacher_path(frozen.teacher_root, config.dataset, config.model)]
    places.append(teacher_path(frozen.teacher_root, config.dataset, config.model, variant))
    places[0].parent.mkdir(parents=True, exist_ok=True)
    with _locked(places[0].parent, fcntl.LOCK_EX):
        for place in places:
            old = read_teacher(place)
            if old is not None and not old.same_data(new):
                continue
            if old is not None and old.sha256 == new.sha256:
                _store(artifact, place, new)
                return f"teacher already registered: {place}"
            if old is not None and not new.validation.better_than(old.validation):
                return (
                    f"teacher not registered: {place} is better or as good "
                    f"({old.metric} {old.value:.5g}, this one {new.value:.5g})"
                )
            _store(artifact, place, new)
            return f"teacher registered: {place}"
    return (
        f"teacher not registered: {places[0]} and {places[1]} hold teachers of other splits. "
        "Give this one by --teacher-path, or another registry by --teacher-root"
    )


def read_teacher(path: Path) -> Teacher | None:
    """Description of a registered teacher, or None if none is registered there.

    Raises:
        ArtifactError: The `.json` is damaged.
    """
    description = path.with_suffix(".json")
    if not description.is_file():
        return None
    raw = read_object(description)
    names = set(Teacher.__dataclass_fields__)
    if set(raw) != names:
        raise ArtifactError(
            f"{description}: missing {', '.join(sorted(names - set(raw))) or 'nothing'}; "
            f"unexpected {', '.join(sorted(set(raw) - names)) or 'nothing'}. "
            f"Remove {path} and its .json, then train the teacher again"
        )
    return Teacher(**raw)  # type: ignore[arg-type]  # keys checked above


def registered_teachers(root: Path, dataset: str, model: str, data: DataConfig) -> list[Candidate]:
    """Registered teachers that fit `data`, the main one first.

    Raises:
        ArtifactError: The `.json` of one is damaged.
    """
    folder = root / dataset
    if not folder.is_dir():
        return []
    found = []
    with _locked(folder, fcntl.LOCK_SH):
        paths = [folder / f"{model}_teacher.pth", *sorted(folder.glob(f"{model}_teacher.*-w*.pth"))]
        for path in paths:
            teacher = read_teacher(path)
            if teacher is not None and teacher.fits(data):
                found.append(Candidate(path=path, origin="registry", recorded=teacher.sha256))
    return found


def finished_runs(
    experiment_root: Path, identity: tuple[str, str, str, str], data: DataConfig
) -> list[Candidate]:
    """Artifacts of finished runs that fit `data`, newest first.

    Args:
        experiment_root: Where runs lie.
        identity: Modality, dataset, model and model size.
        data: Features, window and split that must agree.
    """
    found: list[tuple[float, Candidate]] = []
    for run in iter_runs(experiment_root):
        words = run.relative_to(experiment_root).parts
        if (words[0], words[1], words[3], words[4]) != identity:
            continue
        status = read_status(run)
        artifact = artifact_path(run, words[3], words[4])
        if status is None or status.state != "finished" or not artifact.is_file():
            continue
        if fits(load_frozen(frozen_of_run(run)).config.data, data):
            candidate = Candidate(path=artifact, origin=f"run {run.name}")
            found.append((artifact.stat().st_mtime, candidate))
    return [candidate for _, candidate in sorted(found, key=lambda item: item[0], reverse=True)]


def fits(theirs: DataConfig, ours: DataConfig) -> bool:
    """Whether an artifact made on `theirs` may be used on `ours`: all of its windows, or equal."""
    left = (theirs.features, theirs.window, theirs.split_digest)
    whole = theirs.windows_per_side in {None, ours.windows_per_side}
    return whole and left == (ours.features, ours.window, ours.split_digest)


def checked_sha256(path: Path, expected: str | None = None) -> str:
    """Hash of an artifact file after a look at its wholeness.

    Raises:
        ArtifactError: Missing, truncated, or with another hash than `expected`.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such model file. Train it again, or give another path")
    found = sha256_of(path)
    if expected is not None and found != expected:
        raise _altered(path, expected, found)
    if not zipfile.is_zipfile(path):
        raise ArtifactError(f"{path}: truncated, or not a model file. Train it again")
    return found


def _described(frozen: FrozenConfig) -> Teacher:
    validation = read_validation(frozen.run_dir)
    data = frozen.config.data
    return Teacher(
        sha256=validation.artifact_sha256,
        model=frozen.config.model,
        features=data.features,
        window=data.window,
        split_digest=data.split_digest,
        dataset_digest=data.dataset_digest,
        run_id=frozen.run_id,
        metric=validation.metric,
        value=validation.value,
        higher_is_better=validation.higher_is_better,
    )


def _store(artifact: Path, place: Path, teacher: Teacher) -> None:
    temporary = place.with_name(f".{place.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        shutil.copyfile(artifact, temporary)
        os.replace(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)
    text = json.dumps(asdict(teacher), indent=1, sort_keys=True) + "\n"
    write_atomic(place.with_suffix(".json"), text)


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    """Keeps writers and readers of a registry folder apart; a read-only one has no writers."""
    path = folder / ".lock"
    if mode == fcntl.LOCK_SH and not path.exists():
        yield
        return
    with path.open("a" if mode == fcntl.LOCK_EX else "r") as stream:
        fcntl.flock(stream, mode)
        yield


def _altered(path: Path, expected: str, found: str) -> ArtifactError:
    return ArtifactError(
        f"{path}: sha256 is {found[:12]}, recorded was {expected[:12]}: truncated or changed. "
        "Train it again, or give another one by --teacher-path"
    )
