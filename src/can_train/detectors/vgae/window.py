"""The VGAE on single windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.detectors.kernels.stacks import LayerColumn, LayerRoom, Residual
from can_train.detectors.kernels.window_vgae import (
    IdWeights,
    NodeSums,
    VgaeParts,
    score_by_vgae,
)
from can_train.detectors.vgae.spec import VgaeConfig
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    attention_stack,
    dense_stack,
    layers_of,
    matrix,
)
from can_train.graphs.kernels.live import LiveGraph


class VgaeWindowScorer(WindowScorer):
    """Logarithm of the error of one window after the other.

    Args:
        trained: A VGAE.
        sizes: Its architecture.
    """

    def __init__(self, trained: TrainedDetector, sizes: VgaeConfig) -> None:
        super().__init__(trained.spec.state_channels)
        weights, inputs = trained.weights, trained.inputs
        self._parts = VgaeParts(
            inputs=inputs,
            encoder=attention_stack(weights, "encoder", Residual.NONE),
            latent=dense_stack(weights, ["mean"]),
            decoder=dense_stack(weights, layers_of(weights, "decoder")),
            heads=IdWeights(
                classes=matrix(weights["id_heads.id_head.weight"].T),
                id_bias=matrix(weights["id_heads.id_head.bias"]),
                turn=matrix(weights["id_heads.turn.weight"].T),
                neighbour_bias=matrix(weights["id_heads.neighbour_bias"]),
            ),
            error_scale=np.ascontiguousarray(trained.extras["error_scale"], np.float64),
            experience=trained.experience,
        )
        known, window = len(inputs.ids), trained.config.data.window
        first = int(self._parts.encoder.sizes[0, LayerColumn.INPUTS])
        widths = (*sizes.encoder_channels, *sizes.decoder_channels, sizes.latent_channels)
        width = max(first, known, *widths)
        self._room = LayerRoom.of(window, width, len(inputs.edge_mean) + 1, sizes.heads)
        self._sums = NodeSums(
            neighbours=np.zeros((window, known + 1), np.bool_), errors=np.zeros(4)
        )

    def look(self, graph: LiveGraph) -> None:
        """Scores a window."""
        self.score, self.excess, self.familiarity = score_by_vgae(
            graph, self._parts, self._room, self._sums, self.state
        )


def window_scorer(
    trained: TrainedDetector, experts: Mapping[str, WindowScorer]
) -> VgaeWindowScorer:
    """That of a trained VGAE; it builds on no other."""
    sizes = trained.config.architecture
    if not isinstance(sizes, VgaeConfig):
        raise TypeError(f"expected the sizes of a VGAE, got {type(sizes).__name__}")
    return VgaeWindowScorer(trained, sizes)
