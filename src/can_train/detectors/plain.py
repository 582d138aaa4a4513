"""A trained detector as plain values and arrays: what artifacts and bundles hold of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from can_train.config.frozen import decode_run_config, encode_run_config
from can_train.config.schema import RunConfig
from can_train.config.spec import spec_of
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.detectors.window_scorer import TrainedDetector
from can_train.errors import ArtifactError, ConfigError
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.scaling import FeatureScaler, IdVocabulary

KEYS: Final = frozenset(
    {
        "config",
        "state_dict",
        "vocabulary",
        "scaler",
        "threshold",
        "evidence",
        "vehicles",
        "extras",
        "parents",
    }
)


def plain_of(trained: TrainedDetector) -> dict[str, Any]:
    """Everything but its hash, in dictionaries whose leaves are arrays and JSON values."""
    vehicles = trained.vehicles
    return {
        "config": encode_run_config(trained.config),
        "state_dict": dict(trained.weights),
        "vocabulary": trained.vocabulary.ids.astype(np.int64),
        "scaler": asdict(trained.scaler),
        "threshold": asdict(trained.threshold),
        "evidence": trained.evidence.to_plain(),
        "vehicles": None if vehicles is None else vehicles.to_plain(),
        "extras": dict(trained.extras),
        "parents": dict(trained.parents),
    }


def trained_of(plain: Mapping[str, Any], where: str, sha256: str) -> TrainedDetector:
    """What `plain_of` was given, strictly.

    Args:
        plain: What it gave.
        where: What it was read from, for messages.
        sha256: Of its artifact.

    Raises:
        ArtifactError: A part is missing, unknown, or isn't what it should be.
    """
    require_keys(where, "artifact", set(plain), KEYS)
    try:
        return _trained(plain, where, sha256)
    except (ConfigError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactError(f"{where}: not a complete artifact ({error})") from error


def require_keys(where: str, what: str, found: set[str], expected: frozenset[str]) -> None:
    """Refuses what isn't exactly as expected.

    Raises:
        ArtifactError: Something is missing or unknown.
    """
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        raise ArtifactError(
            f"{where}: {what}: missing {', '.join(missing) or 'nothing'}; "
            f"unexpected {', '.join(extra) or 'nothing'}"
        )


def with_leaves(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same dictionaries, every leaf of them changed."""
    if isinstance(tree, Mapping):
        return {name: with_leaves(branch, change) for name, branch in tree.items()}
    return change(tree)


def _trained(plain: Mapping[str, Any], where: str, sha256: str) -> TrainedDetector:
    config = decode_run_config(plain["config"])
    scaler = FeatureScaler(**plain["scaler"])
    names = FEATURE_NAMES[config.data.features]
    if scaler.node_mean.shape != (len(names.node),) or scaler.edge_mean.shape != (len(names.edge),):
        raise ArtifactError(
            f"{where}: made for {scaler.node_mean.size} and {scaler.edge_mean.size} features of "
            f"nodes and edges; with --features {config.data.features} there are {len(names.node)} "
            f"and {len(names.edge)} now. Train it again, or use the version that made it"
        )
    _require_rule(config, where)
    vehicles = plain["vehicles"]
    return TrainedDetector(
        config=config,
        weights=plain["state_dict"],
        scaler=scaler,
        vocabulary=IdVocabulary(ids=plain["vocabulary"].astype(np.uint32)),
        extras=plain["extras"],
        threshold=Threshold.from_plain(plain["threshold"]),
        evidence=CalibrationEvidence.from_plain(plain["evidence"]),
        parents=plain["parents"],
        vehicles=None if vehicles is None else KnownVehicles.from_plain(vehicles),
        sha256=sha256,
    )


def _require_rule(config: RunConfig, where: str) -> None:
    """Refuses a detector whose scores were made by another rule than this program's.

    Raises:
        ArtifactError: It is one.
    """
    since = spec_of(config.model).scores_since
    if config.results < since:
        raise ArtifactError(
            f"{where}: a {config.model} of results of version {config.results}, whose scores were "
            f"made otherwise than since version {since}. Give its training command again, and "
            f"those of what builds on it, or use the version that made it"
        )
