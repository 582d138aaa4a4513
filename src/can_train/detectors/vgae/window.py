"""The VGAE on single windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from can_train.detectors.kernels.stacks import LayerRoom, Residual
from can_train.detectors.kernels.window_vgae import VgaeParts, score_by_vgae
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    attention_stack,
    dense_stack,
    layers_of,
    require_ends,
    require_shape,
)
from can_train.graphs.kernels.live import LiveGraph


class VgaeWindowScorer(WindowScorer):
    """Logarithm of the error of one window after the other.

    Args:
        trained: A VGAE.
    """

    def __init__(self, trained: TrainedDetector) -> None:
        super().__init__(trained.spec.state_channels)
        weights, inputs = trained.weights, trained.inputs
        channels = (inputs.channels, len(inputs.edge_mean) + 1)
        encoder = attention_stack(weights, "encoder", Residual.NONE, channels)
        latent = dense_stack(weights, ["mean"])
        decoder = dense_stack(weights, layers_of(weights, "decoder"))
        latents = int(latent.widths[-1])
        require_ends("mean", latent, int(encoder.outputs[-1]), latents)
        require_ends("decoder", decoder, latents, len(inputs.node_mean))
        require_shape("error_scale", trained.extras["error_scale"], (2,))
        self._parts = VgaeParts(
            inputs=inputs,
            encoder=encoder,
            latent=latent,
            decoder=decoder,
            error_scale=np.ascontiguousarray(trained.extras["error_scale"], np.float64),
            experience=trained.experience,
        )
        widths = (*encoder.outputs, *latent.widths, *decoder.widths)
        width = max(inputs.channels, *map(int, widths))
        self._room = LayerRoom.of(trained.config.data.window, width, channels[1], encoder.heads)

    def look(self, graph: LiveGraph) -> None:
        """Scores a window."""
        self.score, self.excess, self.familiarity = score_by_vgae(
            graph, self._parts, self._room, self.state
        )


def window_scorer(
    trained: TrainedDetector, experts: Mapping[str, WindowScorer]
) -> VgaeWindowScorer:
    """That of a trained VGAE; it builds on no other."""
    return VgaeWindowScorer(trained)
