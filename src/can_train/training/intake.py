"""Weights from elsewhere (a plain state dict), taken in as an artifact of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from can_train.config.schema import RunConfig
from can_train.dataset.windows import open_inputs
from can_train.detectors.artifact import load_weights_only, save_detector
from can_train.detectors.build import Trainable, build_stage, calibrated_detector
from can_train.detectors.counts import parameter_count
from can_train.errors import ArtifactError


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a state dict.

    Attributes:
        sha256: Of the artifact file.
        parameters: How many parameters the model has.
        metric, value: Its validation figure, as a training run would have it.
    """

    sha256: str
    parameters: int
    metric: str
    value: float


def take_in(path: Path, config: RunConfig, data_root: Path, target: Path) -> TakenIn:
    """Writes the artifact that `config` describes around the weights in `path`.

    Vocabulary, scaler and calibration come from the prepared dataset, as after a training run.

    Args:
        path: A `.pth` file with tensors by name.
        config: Model, architecture and dataset; nothing is trained.
        data_root: Where the dataset lies.
        target: The artifact to write.

    Raises:
        ArtifactError: Not a state dict, holding code, or of another architecture: every missing
            and unexpected name and every other shape is told.
        DataError: The dataset isn't what the config says.
    """
    weights = load_state_dict(path)
    inputs = open_inputs(data_root, (config.modality, config.dataset), config.data)
    stage = build_stage(config, inputs, {})
    check_weights(path, weights, stage.module.model.state_dict())
    stage.module.model.load_state_dict(weights, strict=True)
    metric, value = _validated(stage)
    return TakenIn(
        sha256=save_detector(target, calibrated_detector(stage)),
        parameters=parameter_count(stage.module.model),
        metric=metric,
        value=value,
    )


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name, read with `weights_only=True`.

    Raises:
        ArtifactError: Missing, damaged, holding code, or something else than tensors by name.
    """
    found = load_weights_only(path)
    if not isinstance(found, dict) or not found:
        raise ArtifactError(f"{path}: holds a {type(found).__name__}, expected tensors by name")
    others = sorted(str(k) for k, v in found.items() if not isinstance(v, Tensor))
    if others:
        raise ArtifactError(
            f"{path}: not a plain state dict: {', '.join(others)} hold no tensor. Save the weights "
            "alone: torch.save(model.state_dict(), FILE)"
        )
    return dict(found)


def check_weights(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Compares names and shapes.

    Raises:
        ArtifactError: With every difference.
    """
    problems = []
    if missing := sorted(set(expected) - set(found)):
        problems.append(f"missing: {', '.join(missing)}")
    if extra := sorted(set(found) - set(expected)):
        problems.append(f"unexpected: {', '.join(extra)}")
    shapes = [
        f"{name} {_shape(found[name])} (expected {_shape(tensor)})"
        for name, tensor in sorted(expected.items())
        if name in found and found[name].shape != tensor.shape
    ]
    if shapes:
        problems.append(f"other shapes: {', '.join(shapes)}")
    if problems:
        raise ArtifactError(
            f"{path}: the weights don't fit this model; {'; '.join(problems)}. "
            "Describe the model by --model, --features and --model-args"
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _validated(stage: Trainable) -> tuple[str, float]:
    """The figure by which the stage's model is judged on its validation windows."""
    module = stage.module.eval()
    torch.manual_seed(stage.config.seed)
    with torch.no_grad():
        for batch in module.val_dataloader():
            module.validation_step(batch)
    module.on_validation_epoch_end()
    return next(iter(module.judgement.metrics.items()))
