"""Artifacts: the self-describing `.pth` files that other stages and users consume."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from can_train.config.frozen import decode_run_config, encode_run_config
from can_train.detectors.base import Detector
from can_train.detectors.build import detector_class, network_of
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.errors import ArtifactError, ConfigError
from can_train.files import sha256_of, writing
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.scaling import FeatureScaler, IdVocabulary
from can_train.teachers.weights_file import ARTIFACT_FORMAT, checked_format

_KEYS: Final = frozenset(
    {
        "format",
        "config",
        "state_dict",
        "vocabulary",
        "scaler",
        "threshold",
        "evidence",
        "vehicles",
        "extras",
        "parents",
        "versions",
    }
)


def save_detector(path: Path, detector: Detector) -> str:
    """Writes `detector` atomically and returns the sha256 of the file."""
    document = {
        "format": ARTIFACT_FORMAT,
        "config": encode_run_config(detector.config),
        "state_dict": {k: v.detach().cpu() for k, v in detector.network.state_dict().items()},
        "vocabulary": torch.from_numpy(detector.vocabulary.ids.astype(np.int64)),
        "scaler": {k: torch.from_numpy(v) for k, v in asdict(detector.scaler).items()},
        "threshold": asdict(detector.threshold),
        "evidence": detector.evidence.to_plain(),
        "vehicles": None if detector.vehicles is None else detector.vehicles.to_plain(),
        "extras": {k: torch.from_numpy(v) for k, v in detector.extras.items()},
        "parents": dict(detector.parents),
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
    _same_keys(path, "artifact", set(document), _KEYS)
    try:
        return _decoded(path, document, found)
    except (ConfigError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactError(f"{path}: not a complete artifact ({error})") from error


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


def _decoded(path: Path, document: dict[str, Any], sha256: str) -> Detector:
    config = decode_run_config(document["config"])
    kind = detector_class(config.model)
    _same_keys(path, "extras", set(document["extras"]), kind.EXTRAS)
    vocabulary = IdVocabulary(ids=document["vocabulary"].numpy().astype(np.uint32))
    network = network_of(config, len(vocabulary))
    weights: dict[str, Tensor] = document["state_dict"]
    _same_keys(path, "weights", set(weights), frozenset(network.state_dict()))
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: weights of another shape ({error})") from error
    scaler = FeatureScaler(**{k: v.numpy() for k, v in document["scaler"].items()})
    names = FEATURE_NAMES[config.data.features]
    if scaler.node_mean.shape != (len(names.node),) or scaler.edge_mean.shape != (len(names.edge),):
        raise ArtifactError(f"{path}: scaler of another feature set")
    vehicles = document["vehicles"]
    return kind(
        config=config,
        network=network,
        vocabulary=vocabulary,
        scaler=scaler,
        threshold=Threshold(**document["threshold"]),
        evidence=CalibrationEvidence.from_plain(document["evidence"]),
        extras={k: v.numpy() for k, v in document["extras"].items()},
        parents=document["parents"],
        vehicles=None if vehicles is None else KnownVehicles.from_plain(vehicles),
        sha256=sha256,
    )


def _same_keys(path: Path, what: str, found: set[str], expected: frozenset[str]) -> None:
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        raise ArtifactError(
            f"{path}: {what}: missing {', '.join(missing) or 'nothing'}; "
            f"unexpected {', '.join(extra) or 'nothing'}"
        )
