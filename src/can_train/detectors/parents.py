"""Artifacts that a run consumes, found and verified before training starts."""

from __future__ import annotations

from pathlib import Path

from can_train.config.schema import TEACHER, Parent, RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector
from can_train.errors import ArtifactError
from can_train.files import sha256_of
from can_train.runs.find import find_run
from can_train.teachers.files import kept_path


def parents_of(config: RunConfig) -> dict[str, Parent]:
    """Artifacts that a run consumes: `teacher`, and experts by the detector's name."""
    teacher = {TEACHER: config.distillation.teacher} if config.distillation else {}
    return {**teacher, **config.experts}


def load_parents(config: RunConfig, experiment_root: Path) -> dict[str, Detector]:
    """Loads every parent of `config` by role and checks that it fits.

    Raises:
        ArtifactError: Missing, damaged or altered, or of another model, feature set or window.
    """
    loaded = {}
    for role, parent in parents_of(config).items():
        path = parent_path(parent, experiment_root, config.model if role == TEACHER else role)
        artifact = load_detector(_with_hash(path, parent.sha256), sha256=parent.sha256)
        _check_fits(role, path, artifact, config)
        loaded[role] = artifact
    return loaded


def parent_path(parent: Parent, experiment_root: Path, model: str) -> Path:
    """File of a parent: given, or what the named run left.

    Raises:
        ArtifactError: The run left no artifact of `model`.
    """
    if parent.path is not None:
        return Path(parent.path)
    run = find_run(experiment_root, parent.run_id or "")
    found = sorted((run / "models").glob(f"{model}_*.pth"))
    if not found:
        raise ArtifactError(
            f"run {parent.run_id} left no {model} in {run / 'models'}: it hasn't finished. "
            f"See: can-train status"
        )
    return found[0]


def _with_hash(path: Path, sha256: str | None) -> Path:
    """The file itself, or the copy that the registry kept when it replaced a frozen teacher."""
    if sha256 is None:
        return path
    kept = kept_path(path, sha256)
    replaced = kept.is_file() and not (path.is_file() and sha256_of(path) == sha256)
    return kept if replaced else path


def _check_fits(role: str, path: Path, artifact: Detector, config: RunConfig) -> None:
    wanted_model = config.model if role == TEACHER else role
    theirs, ours = artifact.config, config
    pairs = [
        ("model", theirs.model, wanted_model),
        ("--features", theirs.data.features, ours.data.features),
        ("--window", str(theirs.data.window), str(ours.data.window)),
    ]
    if not _may_be_foreign(role, theirs, ours):
        digests = (theirs.data.split_digest[:12], ours.data.split_digest[:12])
        pairs.append(("dataset and split", *digests))
        if theirs.data.windows_per_side is not None:
            part = str(ours.data.windows_per_side or "all")
            pairs.append(("--windows-per-side", str(theirs.data.windows_per_side), part))
    wrong = [f"{name} {a} (this run: {b})" for name, a, b in pairs if a != b]
    if wrong:
        raise ArtifactError(
            f"{role} {path} doesn't fit this run: {', '.join(wrong)}. "
            f"Choose another file, or train one with the same settings"
        )


def _may_be_foreign(role: str, theirs: RunConfig, ours: RunConfig) -> bool:
    """Whether it is a teacher of another dataset, and the plan allowed that."""
    if role != TEACHER or ours.distillation is None or not ours.distillation.foreign_teacher:
        return False
    return theirs.data.dataset_digest != ours.data.dataset_digest
