"""Artifacts that a run or a detector builds on, found and verified."""

from __future__ import annotations

from pathlib import Path

from can_train.config.schema import TEACHER, Parent, RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.base import Detector
from can_train.errors import ArtifactError
from can_train.files import sha256_of
from can_train.runs.find import find_run
from can_train.runs.made import check_made
from can_train.teachers import fit
from can_train.teachers.files import kept_path


def load_parents(config: RunConfig, experiment_root: Path) -> dict[str, Detector]:
    """Loads every parent of `config` by role and checks that it fits.

    Raises:
        ArtifactError: Missing, damaged or altered, or of another model, feature set or window.
    """
    loaded = {}
    for role, parent in config.parents.items():
        path = parent_path(parent, experiment_root, config.model if role == TEACHER else role)
        artifact = load_detector(path, sha256=parent.sha256)
        fit.check(role, path, artifact.config, config)
        loaded[role] = artifact
    return loaded


def experts_of(detector: Detector, experiment_root: Path, where: Path) -> dict[str, Detector]:
    """The detectors that `detector` was built on, by name, each verified by its hash.

    Args:
        detector: A loaded detector.
        experiment_root: Where runs lie.
        where: What it was loaded from, for messages.

    Raises:
        ArtifactError: One of them is missing, or isn't the file that it was built on.
    """
    found = {}
    for name, parent in detector.config.experts.items():
        path = parent_path(parent, experiment_root, name)
        if name not in detector.parents:
            raise ArtifactError(
                f"{where}: the artifact doesn't say which {name} it was built on. "
                f"Run it again with --force"
            )
        found[name] = load_detector(path, sha256=detector.parents[name])
    return found


def parent_path(parent: Parent, experiment_root: Path, model: str) -> Path:
    """File of a parent: given (where the registry replaced it, the copy), or what the run left.

    Raises:
        ArtifactError: The run left no artifact of `model`, or it isn't what it made.
    """
    if parent.path is not None:
        return _with_hash(Path(parent.path), parent.sha256)
    run = find_run(experiment_root, parent.run_id or "")
    check_made(run)
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
