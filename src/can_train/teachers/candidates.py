"""Artifacts on disk that fit what a stage needs: registered ones, and those of finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.config.frozen import frozen_config_of
from can_train.config.schema import DataConfig
from can_train.errors import ArtifactError
from can_train.runs.layout import Roots, artifact_path, identity_of, iter_runs
from can_train.runs.made import check_made
from can_train.runs.state import read_status
from can_train.runs.summary import read_validation
from can_train.teachers.files import places_of, read_teacher
from can_train.teachers.fit import Seen, Wanted, misfits
from can_train.teachers.weights_file import artifact_config, checked_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An artifact that could be a stage's teacher or input.

    Attributes:
        path: The `.pth` file.
        origin: Where it comes from, in words.
        recorded: The hash it had when it was registered.
        run: The run that made it; its summary says the hash if none is recorded.
    """

    path: Path
    origin: str
    recorded: str | None = None
    run: Path | None = None

    def checked_sha256(self) -> str:
        """Hash of the file after a look at its wholeness; only the chosen one need be whole.

        Raises:
            ArtifactError: Truncated, altered, missing, or holding code.
        """
        expected = self.recorded
        if expected is None and self.run is not None:
            check_made(self.run)
            expected = read_validation(self.run).artifact_sha256
        return checked_sha256(self.path, expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A run that can't be used.

    Attributes:
        name: Its id.
        why: The reason.
        damaged: Whether it might fit if it were what it made.
    """

    name: str
    why: str
    damaged: bool = False

    def __str__(self) -> str:
        return f"run {self.name} ({self.why})"


def teachers_on_disk(wanted: Wanted, roots: Roots) -> list[Candidate]:
    """Teachers that fit: registered ones, then those of finished runs, the newest first.

    Raises:
        ArtifactError: The registry is damaged.
    """
    registered = registered_teachers(roots.teachers, wanted)
    return [*registered, *finished_runs(roots.experiments, wanted, "teacher")]


def registered_teachers(root: Path, wanted: Wanted) -> list[Candidate]:
    """Registered teachers that fit `wanted`, the main one first.

    A `.pth` that was put there by hand, without a `.json`, counts by its own configuration.

    Raises:
        ArtifactError: The `.json` of one is damaged, or a file without one isn't an artifact.
    """
    if wanted.data is None:
        return []
    ours = Seen.by(wanted.dataset, wanted.data)
    found = []
    for path in places_of(root, wanted.dataset, wanted.model):
        teacher = read_teacher(path)
        if teacher is None:
            config = artifact_config(path)
            seen, origin = Seen.of(config), "registry, without .json"
        else:
            seen, origin = Seen.by_teacher(teacher, path), "registry"
        if not misfits(seen, ours):
            recorded = teacher.sha256 if teacher else None
            found.append(Candidate(path=path, origin=origin, recorded=recorded))
    return found


def finished_runs(experiment_root: Path, wanted: Wanted, model_size: str) -> list[Candidate]:
    """Artifacts of finished runs of one size that fit `wanted`, newest first."""
    return [
        Candidate(path=_artifact_in(run), origin=f"run {run.name}", run=run)
        for run, unfit in _looked_at(experiment_root, wanted, model_size)
        if unfit is None
    ]


def unfit_runs(experiment_root: Path, wanted: Wanted, model_size: str) -> list[Unfit]:
    """Runs of the model on the dataset that can't be used, with the reason, newest first."""
    found = _looked_at(experiment_root, wanted, model_size)
    return [unfit for _, unfit in found if unfit is not None]


def _looked_at(
    experiment_root: Path, wanted: Wanted, model_size: str
) -> list[tuple[Path, Unfit | None]]:
    """Every run of the model on the dataset, and why it can't be used, newest first."""
    if wanted.data is None:
        return []
    place = (wanted.modality, wanted.dataset, wanted.model)
    runs = [
        run
        for run in iter_runs(experiment_root)
        if (w := identity_of(run)) and (w.modality, w.dataset, w.model) == place
    ]
    runs.sort(key=_made_at, reverse=True)
    return [(run, _unfit(run, wanted.dataset, wanted.data, model_size)) for run in runs]


def _unfit(run: Path, dataset: str, data: DataConfig, model_size: str) -> Unfit | None:
    """Why a run can't be used; None if it can."""
    size = identity_of(run).model_size
    if size != model_size:
        return Unfit(name=run.name, why=f"size {size}, {model_size} is needed")
    try:
        status = read_status(run)
        if status is None or status.state != "finished":
            return Unfit(name=run.name, why=f"it is {status.state if status else 'planned'}")
        theirs = Seen.of(frozen_config_of(run).config)
    except ArtifactError as error:
        return Unfit(name=run.name, why=str(error), damaged=True)
    if not _artifact_in(run).is_file():
        return Unfit(name=run.name, why=f"{_artifact_in(run)} is missing", damaged=True)
    wrong = misfits(theirs, Seen.by(dataset, data))
    return Unfit(name=run.name, why=", ".join(wrong.values())) if wrong else None


def _artifact_in(run: Path) -> Path:
    words = identity_of(run)
    return artifact_path(run, words.model, words.model_size)


def _made_at(run: Path) -> float:
    artifact = _artifact_in(run)
    return (artifact if artifact.is_file() else run).stat().st_mtime
