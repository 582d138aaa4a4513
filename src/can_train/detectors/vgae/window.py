"""The VGAE on single windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.kernels.stacks import LayerRoom, Residual
from can_train.detectors.kernels.window_vgae import (
    IdWeights,
    NodeSums,
    VgaeParts,
    score_by_vgae,
)
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    attention_stack,
    dense_stack,
    layers_of,
    matrix,
    require_ends,
    require_shape,
)
from can_train.graphs.kernels.live import LiveGraph

_ERRORS: Final = 4


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
        _require_heads(weights, latents, len(inputs.ids))
        require_shape("error_scale", trained.extras["error_scale"], (_ERRORS,))
        self._parts = VgaeParts(
            inputs=inputs,
            encoder=encoder,
            latent=latent,
            decoder=decoder,
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
        widths = (*encoder.outputs, *latent.widths, *decoder.widths)
        width = max(inputs.channels, known, *map(int, widths))
        self._room = LayerRoom.of(window, width, len(inputs.edge_mean) + 1, encoder.heads)
        self._sums = NodeSums(
            neighbours=np.zeros((window, known + 1), np.bool_), errors=np.zeros(_ERRORS)
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
    return VgaeWindowScorer(trained)


def _require_heads(weights: Mapping[str, NDArray[np.floating]], latents: int, known: int) -> None:
    """Refuses heads of other sizes; see `IdWeights`."""
    shapes = {
        "id_head.weight": (known, latents),
        "id_head.bias": (known,),
        "turn.weight": (latents, latents),
        "neighbour_bias": (known,),
    }
    for name, shape in shapes.items():
        require_shape(name, weights[f"id_heads.{name}"], shape)
