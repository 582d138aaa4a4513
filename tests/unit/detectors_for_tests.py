"""Detectors with random weights, and small stores to score with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from can_train.config.presets import preset
from can_train.config.schema import DataConfig, FusionConfig, Parent, RunConfig
from can_train.config.spec import spec_of
from can_train.detectors.base import Detector
from can_train.detectors.build import detector_class, network_of
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.scaling import FeatureScaler, IdVocabulary

EXTRAS: Mapping[str, Mapping[str, list[float]]] = {
    "vgae": {"error_scale": [1.0] * 2},
    "gat": {},
    "dqn": {"state_mean": [0.0] * 10, "state_scale": [1 / 3] * 10},
}
KNOWN_IDS = (2, 0x316, 0x80012345)


def config_of(model: str, **changes: Any) -> RunConfig:
    """A student's run at its preset, by the detector's usual strategy, on relational features."""
    strategy = spec_of(model).strategies[0]
    chosen = preset(model, "student", strategy)
    experts = {name: Parent(run_id=f"made-by-{name}") for name in ("vgae", "gat")}
    plain = RunConfig(
        modality="automotive",
        dataset="small",
        model=model,
        model_size="student",
        training_strategy=strategy,
        data=DataConfig(dataset_digest="a" * 64, split_digest="b" * 64),
        architecture=chosen.architecture,
        training=chosen.training,
        experts=experts if model == "dqn" else {},
        fusion=FusionConfig(fusion_policy="dqn") if model == "dqn" else None,
    )
    return replace(plain, **changes)


def with_features(config: RunConfig, features: str) -> RunConfig:
    return replace(config, data=replace(config.data, features=features))  # type: ignore[arg-type]


def untrained(config: RunConfig, **changes: Any) -> Detector:
    """A detector with random weights; `changes` replace parts of it."""
    names = FEATURE_NAMES[config.data.features]
    vocabulary = changes.pop("vocabulary", IdVocabulary(ids=np.array(KNOWN_IDS, np.uint32)))
    torch.manual_seed(config.seed)
    parts: dict[str, Any] = {
        "network": network_of(config, len(vocabulary)),
        "scaler": FeatureScaler(
            node_mean=np.full(len(names.node), 0.5, np.float32),
            node_scale=np.full(len(names.node), 2.0, np.float32),
            edge_mean=np.full(len(names.edge), 0.1, np.float32),
            edge_scale=np.full(len(names.edge), 3.0, np.float32),
        ),
        "extras": {k: np.array(v) for k, v in EXTRAS.get(config.model, {}).items()},
        "threshold": Threshold(
            value=0.25,
            target_fpr=0.001,
            benign_windows=400,
            exact=False,
            rule="real",
            real_value=0.25,
        ),
        "evidence": CalibrationEvidence(benign=Margins.of([-1.0, 0.0, 0.25])),
        "parents": {},
    }
    return detector_class(config.model)(
        **{"config": config, "vocabulary": vocabulary, **parts, **changes}
    )
