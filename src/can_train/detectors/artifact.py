"""Artifacts: the self-describing `.pth` files that other stages and users consume."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from can_train.detectors.base import Detector
from can_train.detectors.build import detector_class, network_of
from can_train.detectors.plain import KEYS, plain_of, require_keys, trained_of, with_leaves
from can_train.detectors.window_scorer import TrainedDetector
from can_train.errors import ArtifactError
from can_train.files import sha256_of, writing
from can_train.teachers.weights_file import ARTIFACT_FORMAT, checked_format

_FILE_KEYS: Final = frozenset({"format", "versions"})


def save_detector(path: Path, detector: Detector) -> str:
    """Writes `detector` atomically and returns the sha256 of the file."""
    document = {
        "format": ARTIFACT_FORMAT,
        **with_leaves(plain_of(detector.trained), _stored),
        "versions": {"torch": str(torch.__version__), "numpy": np.__version__},
    }
    with writing(path) as stream:
        torch.save(document, stream)
    return sha256_of(path)


def load_detector(path: Path, *, sha256: str | None = None) -> Detector:
    """Reads a detector strictly.

    Args:
        path: A `.pth` file written by `save_detector`.
        sha256: The hash that the file must have, if it is known.

    Raises:
        ArtifactError: Missing, truncated, altered, of another format, or holding code.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such model file")
    found = sha256_of(path)
    if sha256 is not None and found != sha256:
        raise ArtifactError(
            f"{path}: sha256 is {found[:12]}…, {sha256[:12]}… was frozen: the file was changed. "
            f"Restore it, or plan the run again"
        )
    document = checked_format(path, load_weights_only(path))
    require_keys(str(path), "artifact", set(document), KEYS | _FILE_KEYS)
    plain = {name: with_leaves(document[name], _loaded) for name in KEYS}
    return _module_of(path, trained_of(plain, str(path), found))


def load_weights_only(path: Path) -> object:
    """What `torch.load` gives of a file that can't run code.

    Raises:
        ArtifactError: Truncated, damaged, or holding code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{path}: holds objects that could run code, or isn't a model file: refused"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path}: truncated or damaged model file ({error})") from error


def _module_of(path: Path, trained: TrainedDetector) -> Detector:
    kind, config = detector_class(trained.config.model), trained.config
    require_keys(str(path), "extras", set(trained.extras), kind.EXTRAS)
    network = network_of(config, len(trained.vocabulary))
    weights = {name: torch.from_numpy(weight) for name, weight in trained.weights.items()}
    require_keys(str(path), "weights", set(weights), frozenset(network.state_dict()))
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: weights of another shape ({error})") from error
    return kind(
        config=config,
        network=network,
        vocabulary=trained.vocabulary,
        scaler=trained.scaler,
        threshold=trained.threshold,
        evidence=trained.evidence,
        extras=dict(trained.extras),
        parents=trained.parents,
        vehicles=trained.vehicles,
        sha256=trained.sha256,
    )


def _stored(leaf: Any) -> Any:
    return torch.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf


def _loaded(leaf: Any) -> Any:
    return leaf.numpy() if isinstance(leaf, Tensor) else leaf
