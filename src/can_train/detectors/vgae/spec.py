"""What the VGAE declares about itself (stdlib only)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from can_train.config.schema import Architecture, Param, TrainingConfig
from can_train.config.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class VgaeConfig(Architecture):
    """Variational graph autoencoder (docs/models/vgae.md)."""

    encoder_channels: Annotated[
        tuple[int, ...], Param(help="widths of the encoder layers", ge=1, le=8192)
    ]
    decoder_channels: Annotated[
        tuple[int, ...], Param(help="hidden widths of the decoder", ge=1, le=8192)
    ]
    latent_channels: Annotated[int, Param(help="width of the latent", ge=1, le=1024)]
    heads: Annotated[int, Param(help="attention heads per encoder layer", ge=1, le=32)]
    id_embedding: Annotated[
        int, Param(help="width of the ID embedding (used with classic features)", ge=1, le=512)
    ]
    dropout: Annotated[float, Param(help="dropout probability", ge=0, lt=1)] = 0.0
    id_weight: Annotated[
        float, Param(help="weight of the ID cross-entropy", ge=0, le=1_000_000)
    ] = 0.0
    neighbour_weight: Annotated[
        float, Param(help="weight of the neighbourhood loss", ge=0, le=1_000_000)
    ] = 0.0
    kl_weight: Annotated[float, Param(help="weight of the KL divergence", ge=0, le=1_000_000)] = (
        0.01
    )


SPEC: Final = Spec(
    name="vgae",
    title="variational graph autoencoder of benign windows",
    strategies=("autoencoder",),
    architecture=VgaeConfig,
    presets={
        "teacher": VgaeConfig(
            encoder_channels=(1024, 512),
            decoder_channels=(512, 1024),
            latent_channels=96,
            heads=4,
            id_embedding=64,
        ),
        "student": VgaeConfig(
            encoder_channels=(80, 40),
            decoder_channels=(24,),
            latent_channels=16,
            heads=1,
            id_embedding=4,
        ),
    },
    training={
        "teacher": TrainingConfig(),
        # Trained longer, it also reconstructs attacks, first those on other cars.
        "student": TrainingConfig(epochs=20),
    },
    detector="can_train.detectors.vgae.detector:VgaeDetector",
    stage="can_train.detectors.vgae.stage:build",
    window_scorer="can_train.detectors.vgae.window:window_scorer",
    onnx="can_train.detectors.vgae.onnx:add",
    role="anomaly",
    distillation_settings=("latent_weight", "reconstruction_weight"),
    state_channels=6,
    holds_on_other_cars=False,
    scores_since=11,
    data_parallel=True,
    order=10,
)
