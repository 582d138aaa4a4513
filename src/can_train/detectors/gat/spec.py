"""What the GAT declares about itself (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from can_train.config.schema import Architecture, Param, TrainingConfig
from can_train.config.spec import Spec

Pooling = Literal["mean", "max", "mean-max"]
Neighbours = Literal["attention", "mean", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatConfig(Architecture):
    """Graph attention classifier (docs/models/gat.md)."""

    layers: Annotated[int, Param(help="attention layers", ge=1, le=16)]
    heads: Annotated[int, Param(help="attention heads per layer", ge=1, le=32)]
    hidden_channels: Annotated[int, Param(help="channels per head", ge=1, le=1024)]
    id_embedding: Annotated[
        int, Param(help="width of the ID embedding (used with classic features)", ge=1, le=512)
    ]
    fc_channels: Annotated[
        tuple[int, ...], Param(help="hidden widths of the classifier", ge=1, le=8192)
    ]
    dropout: Annotated[float, Param(help="dropout probability", ge=0, lt=1)] = 0.1
    pooling: Annotated[Pooling, Param(help="from nodes to the window", added=True)] = "mean"
    neighbours: Annotated[Neighbours, Param(help="how neighbours are weighed", added=True)] = (
        "attention"
    )
    edge_features: Annotated[
        bool, Param(help="whether edge features enter the attention", added=True)
    ] = True


SPEC: Final = Spec(
    name="gat",
    title="graph attention classifier of windows",
    strategies=("normal", "curriculum", "distillation"),
    architecture=GatConfig,
    presets={
        "teacher": GatConfig(
            layers=5,
            heads=8,
            hidden_channels=64,
            id_embedding=32,
            fc_channels=(24, 12),
            pooling="mean-max",
        ),
        "student": GatConfig(
            layers=2,
            heads=4,
            hidden_channels=24,
            id_embedding=8,
            fc_channels=(80, 40),
            pooling="mean-max",
        ),
    },
    # Trained longer, it knows the recordings it was made from better and other cars worse.
    training={"teacher": TrainingConfig(), "student": TrainingConfig(epochs=12)},
    detector="can_train.detectors.gat.detector:GatDetector",
    stage="can_train.detectors.gat.stage:build",
    window_scorer="can_train.detectors.gat.window:window_scorer",
    onnx="can_train.detectors.gat.onnx:add",
    role="probability",
    needs={"curriculum": ("anomaly",)},
    distillation_settings=("temperature", "feature_weight"),
    state_channels=4,
    data_parallel=True,
    order=20,
)
