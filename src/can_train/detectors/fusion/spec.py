"""What the fusion agent declares about itself (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from can_train.config.schema import Architecture, Param, TrainingConfig
from can_train.config.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class DqnConfig(Architecture):
    """Q-network of the fusion agent (docs/models/dqn.md)."""

    hidden_channels: Annotated[int, Param(help="width of the hidden layers", ge=1, le=8192)]
    hidden_layers: Annotated[int, Param(help="number of hidden layers", ge=1, le=16)]


# Q-values of a few hundred windows: an epoch is milliseconds and says little.
_TRAINING: Final = TrainingConfig(epochs=200, patience=30, learning_rate=0.001)

SPEC: Final = Spec(
    name="dqn",
    title="agent that weighs an anomaly score and an attack probability",
    strategies=("fusion",),
    architecture=DqnConfig,
    presets={
        "teacher": DqnConfig(hidden_channels=576, hidden_layers=3),
        "student": DqnConfig(hidden_channels=160, hidden_layers=2),
    },
    training={"teacher": _TRAINING, "student": _TRAINING},
    detector="can_train.detectors.fusion.detector:FusionDetector",
    stage="can_train.detectors.fusion.stage:build",
    window_scorer="can_train.detectors.fusion.window:window_scorer",
    onnx="can_train.detectors.fusion.onnx:add",
    needs={"fusion": ("anomaly", "probability")},
    distils=False,
    refusal="fusion combines models that are already distilled",
    scorer="fusion",
    scores_since=12,
    order=30,
)
