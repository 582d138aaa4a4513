"""Artifacts on disk that fit what a stage needs: registered ones, and those of finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.config.frozen import frozen_config_of
from can_train.runs.layout import Roots, artifact_path, identity_of, iter_runs
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
            expected = read_validation(self.run).artifact_sha256
        return checked_sha256(self.path, expected)


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
            seen, origin = Seen.by(config.dataset, config.data), "registry, without .json"
        else:
            seen, origin = Seen.by_teacher(teacher), "registry"
        if not misfits(seen, ours):
            recorded = teacher.sha256 if teacher else None
            found.append(Candidate(path=path, origin=origin, recorded=recorded))
    return found


def finished_runs(experiment_root: Path, wanted: Wanted, model_size: str) -> list[Candidate]:
    """Artifacts of finished runs of one size that fit `wanted`, newest first."""
    if wanted.data is None:
        return []
    ours = Seen.by(wanted.dataset, wanted.data)
    found: list[tuple[float, Candidate]] = []
    for run in iter_runs(experiment_root):
        words = identity_of(run)
        place = (words.modality, words.dataset, words.model)
        if place != (wanted.modality, wanted.dataset, wanted.model):
            continue
        if words.model_size != model_size or not _has_finished(run):
            continue
        artifact = artifact_path(run, words.model, words.model_size)
        if not artifact.is_file():
            continue
        if not misfits(Seen.by(words.dataset, frozen_config_of(run).config.data), ours):
            candidate = Candidate(path=artifact, origin=f"run {run.name}", run=run)
            found.append((artifact.stat().st_mtime, candidate))
    return [candidate for _, candidate in sorted(found, key=lambda item: item[0], reverse=True)]


def _has_finished(run: Path) -> bool:
    status = read_status(run)
    return status is not None and status.state == "finished"
