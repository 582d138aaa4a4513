"""Builds networks, and from a run's configuration the stage that trains one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from can_train.config.schema import Architecture, RunConfig
from can_train.config.spec import Spec, implementation, spec_of, usual_expert
from can_train.dataset.windows import THRESHOLD, DatasetWindows
from can_train.detectors.base import Detector, Extras, NetworkShape
from can_train.detectors.calibration import (
    HeldOut,
    Threshold,
    conformal_threshold,
    robust_threshold,
)
from can_train.detectors.evidence import CalibrationEvidence, Margins, level_of
from can_train.detectors.known_vehicle import known_vehicles
from can_train.detectors.scoring import WindowScores, score_windows
from can_train.detectors.stage import StageModule
from can_train.detectors.task import Prepared, StageTask
from can_train.distil.agreement import Agreement
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.feed import GraphFeed

logger = logging.getLogger("can_train")

_UNSET: Final = Threshold(
    value=float("inf"),
    target_fpr=0.5,
    benign_windows=0,
    exact=False,
    rule="real",
    real_value=float("inf"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainable:
    """A stage ready to be fitted.

    Attributes:
        config: Configuration of the run.
        inputs: Windows and sides.
        module: What is trained.
        parents: sha256 of every artifact that it was made from, by role.
        experts: Detectors that its own scores are computed from, by name.
        agreement: Compares a student with its teacher; None without a teacher.
        extras: Arrays that the detector needs and that training doesn't change.
    """

    config: RunConfig
    inputs: DatasetWindows
    module: StageModule[Any]
    parents: Mapping[str, str]
    experts: Mapping[str, Detector]
    agreement: Agreement | None
    extras: Extras


def detector_class(model: str) -> type[Detector]:
    """The class of the detector called `model`."""
    found: type[Detector] = implementation(spec_of(model).detector)
    return found


def network(
    model: str, architecture: Architecture, features: str, vocabulary_size: int
) -> nn.Module:
    """A freshly initialised network of `architecture`, as it would build on the usual experts.

    Args:
        model: Name of the detector.
        architecture: Its sizes.
        features: Feature set of the graphs.
        vocabulary_size: Known IDs plus one for unknown.
    """
    spec = spec_of(model)
    usual = [usual_expert(role) for role in spec.needed(spec.strategies[0])]
    shape = _shape(features, vocabulary_size, usual)
    return detector_class(model).build_network(architecture, shape)


def network_of(config: RunConfig, vocabulary_size: int) -> nn.Module:
    """A freshly initialised network for the run that `config` describes."""
    shape = _shape(
        config.data.features, vocabulary_size, [spec_of(name) for name in config.experts]
    )
    return detector_class(config.model).network_for(config, shape)


def build_stage(
    config: RunConfig, inputs: DatasetWindows, parents: Mapping[str, Detector]
) -> Trainable:
    """The stage that trains `config.model`; draws its initial weights from the run's seed.

    A teacher, or the autoencoder of a curriculum, isn't kept: what it says is computed here.

    Raises:
        ArtifactError: The teacher is of another model.
        TrainingError: The windows that this stage needs don't exist.
        Stopped: Somebody asked while a teacher's outputs were computed.
    """
    torch.manual_seed(config.seed)
    task = StageTask(
        config=config,
        inputs=inputs,
        parents=parents,
        network=network_of(config, len(inputs.vocabulary)),
        feed=GraphFeed(inputs.store, scaler=inputs.scaler, vocabulary=inputs.vocabulary),
    )
    prepared: Prepared = implementation(spec_of(config.model).stage)(task)
    return Trainable(
        config=config,
        inputs=inputs,
        module=prepared.module,
        parents={role: parent.sha256 for role, parent in parents.items()},
        experts=prepared.experts,
        agreement=prepared.agreement,
        extras=prepared.extras,
    )


def calibrated_detector(stage: Trainable) -> Detector:
    """The trained model of `stage` with its threshold from benign calibration windows."""
    config, inputs = stage.config, stage.inputs
    kind, trained = detector_class(config.model), stage.module.model.eval()
    feed = GraphFeed(inputs.store, scaler=inputs.scaler, vocabulary=inputs.vocabulary)
    validation = inputs.windows("validation", benign=True)
    detector = kind(
        config=config,
        network=trained,
        scaler=inputs.scaler,
        vocabulary=inputs.vocabulary,
        extras={**stage.extras, **kind.calibrated(trained, feed, validation)},
        threshold=_UNSET,
        evidence=CalibrationEvidence(),
        parents=stage.parents,
        vehicles=known_vehicles(inputs, config.target_fpr),
    )

    def said(windows: NDArray[np.int64]) -> WindowScores:
        detectors = [*stage.experts.values(), detector]
        return score_windows(detectors, inputs.store, windows)[config.model]

    benign, others = inputs.windows("threshold", benign=True), inputs.undisturbed(THRESHOLD[1])
    real, synthetic = said(benign), said(others)
    threshold = conformal_threshold(real.score, config.target_fpr)
    on_other_cars = detector.spec.holds_on_other_cars and len(synthetic.score) > 0
    experts = detector.threshold_of_experts(stage.experts, threshold)
    if experts is not None:
        threshold = experts
    elif on_other_cars or threshold.exact:  # else even the largest margin says little
        windows = inputs.undisturbed(*(THRESHOLD if on_other_cars else THRESHOLD[:1]))
        scored = np.concatenate([benign, others]), (real, synthetic)
        threshold = robust_threshold(_held_out(*scored, inputs, windows), threshold)
        _tell(threshold)
    # Synthetic recordings for thresholds hold no attacks.
    attacks = inputs.windows(*THRESHOLD[:1], "synthetic_fusion")
    attack = said(attacks[inputs.store.label[attacks] == 1])
    evidence = CalibrationEvidence(
        **{
            name: Margins.of(found.score + threshold.relief * found.familiarity)
            for name, found in (("benign", real), ("synthetic", synthetic), ("attack", attack))
        }
    )
    if on_other_cars and threshold.rule == "robust":
        threshold = replace(threshold, level=level_of(threshold, evidence))
    detector.settle(threshold, evidence)
    return detector


def _held_out(
    scored: NDArray[np.int64],
    said: tuple[WindowScores, ...],
    inputs: DatasetWindows,
    windows: NDArray[np.int64],
) -> HeldOut:
    """What was said about `windows`, which are some of those that were scored."""
    order = np.argsort(scored)
    at = order[np.searchsorted(scored, windows, sorter=order)]
    return HeldOut(
        score=np.concatenate([part.score for part in said])[at],
        recording=inputs.store.recording[windows],
        synthetic=inputs.synthetic(windows),
        familiarity=np.concatenate([part.familiarity for part in said])[at],
    )


def _tell(threshold: Threshold) -> None:
    if threshold.rule == "robust":
        logger.info(
            "threshold %.6g from quantiles of single recordings (real benign windows together: "
            "%.6g; on cars trained on: %.6g)",
            threshold.value,
            threshold.real_value,
            threshold.value - threshold.relief,
        )


def _shape(features: str, vocabulary_size: int, experts: list[Spec]) -> NetworkShape:
    names = FEATURE_NAMES[features]
    return NetworkShape(
        node_channels=len(names.node),
        edge_channels=len(names.edge),
        num_ids=vocabulary_size if features == "classic" else 0,
        vocabulary_size=vocabulary_size,
        state_channels=sum(spec.state_channels for spec in experts),
    )
