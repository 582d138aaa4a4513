"""Trained detectors by what people call them: a run, its `.pth` file, or an exported bundle."""

from __future__ import annotations

from pathlib import Path

from can_train.config.frozen import frozen_config_of
from can_train.detectors.bundle import SUFFIX, read_bundle
from can_train.detectors.frame_scorer import FrameScorer, ModuleFrameScorer
from can_train.runs.find import find_run
from can_train.runs.layout import artifact_path, is_run, roots_from
from can_train.runs.made import check_made
from can_train.teachers.files import recorded_sha256


def load_detector(path: str | Path, *, experiment_root: str | Path | None = None) -> FrameScorer:
    """A trained detector; a fusion comes with the detectors that it fuses.

    Args:
        path: A run as commands take it (id, the beginning of one, folder), a `.pth` file, or a
            bundle, which needs neither runs nor torch.
        experiment_root: Where runs lie; absent: where the run says, else `experimentruns` beside
            the launcher.

    Raises:
        PreflightError: No run, or several, are called so.
        ArtifactError: A file is missing, damaged, or not the one that a fusion was built on.
    """
    file = Path(path)
    if file.suffix == SUFFIX:
        return read_bundle(file).detector
    root = Path(experiment_root or roots_from().experiments)
    if file.suffix != ".pth":
        run = find_run(root, str(path))
        check_made(run)
        config = frozen_config_of(run).config
        file = artifact_path(run, config.model, config.model_size)
    return _by_modules(file, root if experiment_root else _root_of(file))


def _by_modules(artifact: Path, experiment_root: Path) -> FrameScorer:
    from can_train.detectors import artifact as artifacts
    from can_train.detectors.parents import experts_of

    own = artifacts.load_detector(artifact, sha256=recorded_sha256(artifact))
    experts = experts_of(own, experiment_root, artifact) if own.fuses else {}
    return ModuleFrameScorer(own, experts)


def _root_of(artifact: Path) -> Path:
    """Where runs lie, as the run says that holds `artifact`; beside the launcher if none does."""
    run = artifact.absolute().parent.parent
    if not is_run(run):
        return roots_from().experiments
    return frozen_config_of(run).experiment_root
