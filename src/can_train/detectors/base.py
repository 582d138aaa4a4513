"""Artifacts: the self-describing `.pth` files that other stages and users consume.

An artifact holds weights, the model's own configuration, ID vocabulary, feature scaler,
calibration, parents' hashes and versions. It is loaded with `weights_only=True`, so nothing
in it can run code, and strictly, so nothing in it is guessed.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import uuid
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from can_train.config.frozen import decode_run_config, encode_run_config
from can_train.config.schema import DqnConfig, GatConfig, RunConfig, VgaeConfig
from can_train.detectors.calibration import EmpiricalCdf, Threshold
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.gat.network import GAT
from can_train.detectors.vgae.network import VGAE
from can_train.errors import ArtifactError, ConfigError
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.scaling import FeatureScaler, IdVocabulary
from can_train.teachers.weights_file import ARTIFACT_FORMAT

STATE_CHANNELS: Final = 15
ACTIONS: Final = 21
_KEYS: Final = frozenset(
    {
        "format",
        "config",
        "state_dict",
        "vocabulary",
        "scaler",
        "threshold",
        "extras",
        "parents",
        "versions",
    }
)
_EXTRAS: Final[dict[str, frozenset[str]]] = {
    "vgae": frozenset({"cdf", "error_scale"}),
    "gat": frozenset(),
    "dqn": frozenset({"state_mean", "state_scale"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A trained model with all that is needed to use it.

    Attributes:
        config: Configuration of the run that made it.
        model: The network, in eval mode.
        vocabulary: ID vocabulary (benign training traffic).
        scaler: Feature scaler (benign training traffic).
        threshold: Alarm threshold from benign calibration windows.
        extras: Named float64 arrays of the model: `cdf` and `error_scale` of a VGAE,
            `state_mean` and `state_scale` of a DQN.
        parents: sha256 of every artifact it was made from, by role.
        sha256: Of the file; empty before it is written.
    """

    config: RunConfig
    model: nn.Module
    vocabulary: IdVocabulary
    scaler: FeatureScaler
    threshold: Threshold
    extras: dict[str, NDArray[np.float64]]
    parents: dict[str, str]
    sha256: str = ""

    @property
    def cdf(self) -> EmpiricalCdf:
        """Benign-validation distribution of the VGAE's error."""
        return EmpiricalCdf.from_array(self.extras["cdf"])


def build_model(config: RunConfig, vocabulary_size: int) -> nn.Module:
    """A freshly initialised network for `config`.

    Args:
        config: Configuration of the run.
        vocabulary_size: Known IDs plus one for unknown.
    """
    return network(config.architecture, config.data.features, vocabulary_size)


def network(
    architecture: GatConfig | VgaeConfig | DqnConfig, features: str, vocabulary_size: int
) -> nn.Module:
    """A freshly initialised network of `architecture` for graphs with `features`."""
    names = FEATURE_NAMES[features]
    shape: dict[str, Any] = {
        "node_channels": len(names.node),
        "edge_channels": len(names.edge),
        "num_ids": vocabulary_size if features == "classic" else 0,
    }
    match architecture:
        case GatConfig() as gat:
            return GAT(**shape, **asdict(gat))
        case VgaeConfig() as vgae:
            fields = asdict(vgae)
            for weight in ("id_weight", "neighbour_weight", "kl_weight"):
                del fields[weight]
            return VGAE(**shape, **fields, vocabulary_size=vocabulary_size)
        case DqnConfig() as dqn:
            return QNetwork(state_channels=STATE_CHANNELS, actions=ACTIONS, **asdict(dqn))


def save_artifact(path: Path, artifact: Artifact) -> str:
    """Writes `artifact` atomically and returns the sha256 of the file."""
    scaler = {k: torch.from_numpy(v) for k, v in asdict(artifact.scaler).items()}
    document = {
        "format": ARTIFACT_FORMAT,
        "config": encode_run_config(artifact.config),
        "state_dict": {k: v.detach().cpu() for k, v in artifact.model.state_dict().items()},
        "vocabulary": torch.from_numpy(artifact.vocabulary.ids.astype(np.int64)),
        "scaler": scaler,
        "threshold": asdict(artifact.threshold),
        "extras": {k: torch.from_numpy(v) for k, v in artifact.extras.items()},
        "parents": dict(artifact.parents),
        "versions": {"torch": str(torch.__version__), "numpy": np.__version__},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with temporary.open("wb") as file:
        torch.save(document, file)
        file.flush()
        os.fsync(file.fileno())
    digest = file_sha256(temporary)
    temporary.replace(path)
    return digest


def load_artifact(path: Path, *, sha256: str | None = None) -> Artifact:
    """Reads an artifact strictly.

    Args:
        path: A `.pth` file written by `save_artifact`.
        sha256: The hash that the file must have, if it is known.

    Raises:
        ArtifactError: Missing, truncated, altered, of another format, or holding code.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such model file")
    found = file_sha256(path)
    if sha256 is not None and found != sha256:
        raise ArtifactError(
            f"{path}: sha256 is {found[:12]}…, {sha256[:12]}… was frozen: the file was changed. "
            f"Restore it, or plan the run again"
        )
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{path}: holds objects that could run code, or isn't a model file: refused"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{path}: truncated or damaged model file ({error})") from error
    return _from_document(path, document, found)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_document(path: Path, document: object, sha256: str) -> Artifact:
    if not isinstance(document, dict) or document.get("format") != ARTIFACT_FORMAT:
        raise ArtifactError(
            f"{path}: not a can-train artifact (expected format '{ARTIFACT_FORMAT}')"
        )
    _same_keys(path, "artifact", set(document), _KEYS)
    try:
        return _decoded(path, document, sha256)
    except (ConfigError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactError(f"{path}: not a complete artifact ({error})") from error


def _decoded(path: Path, document: dict[str, Any], sha256: str) -> Artifact:
    config = decode_run_config(document["config"])
    _same_keys(path, "extras", set(document["extras"]), _EXTRAS[config.model])
    vocabulary = IdVocabulary(ids=document["vocabulary"].numpy().astype(np.uint32))
    model = build_model(config, len(vocabulary))
    weights: dict[str, Tensor] = document["state_dict"]
    _same_keys(path, "weights", set(weights), frozenset(model.state_dict()))
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ArtifactError(f"{path}: weights of another shape ({error})") from error
    model.eval()
    scaler = FeatureScaler(**{k: v.numpy() for k, v in document["scaler"].items()})
    names = FEATURE_NAMES[config.data.features]
    if scaler.node_mean.shape != (len(names.node),) or scaler.edge_mean.shape != (len(names.edge),):
        raise ArtifactError(f"{path}: scaler of another feature set")
    return Artifact(
        config=config,
        model=model,
        vocabulary=vocabulary,
        scaler=scaler,
        threshold=Threshold(**document["threshold"]),
        extras={k: v.numpy() for k, v in document["extras"].items()},
        parents=document["parents"],
        sha256=sha256,
    )


def _same_keys(path: Path, what: str, found: set[str], expected: frozenset[str]) -> None:
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        raise ArtifactError(
            f"{path}: {what}: missing {', '.join(missing) or 'nothing'}; "
            f"unexpected {', '.join(extra) or 'nothing'}"
        )
