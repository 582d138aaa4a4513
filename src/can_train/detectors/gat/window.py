"""The GAT on single windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.kernels.stacks import LayerColumn, LayerRoom, Residual
from can_train.detectors.kernels.window_gat import GatParts, score_by_gat
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    attention_stack,
    dense_stack,
    layers_of,
)
from can_train.graphs.kernels.live import LiveGraph


class GatWindowScorer(WindowScorer):
    """Log odds of an attack of one window after the other.

    Args:
        trained: A GAT.
        sizes: Its architecture.
    """

    def __init__(self, trained: TrainedDetector, sizes: GatConfig) -> None:
        super().__init__(trained.spec.state_channels)
        weights = effective_weights(trained.weights, sizes)
        layers = attention_stack(weights, "convolutions", Residual.INPUT)
        self._parts = GatParts(
            inputs=trained.inputs,
            layers=layers,
            classifier=dense_stack(weights, layers_of(weights, "classifier")),
            mean="mean" in sizes.pooling,
            maximum="max" in sizes.pooling,
            experience=trained.experience,
        )
        width = max(int(layers.sizes[0, LayerColumn.INPUTS]), sizes.heads * sizes.hidden_channels)
        edge_channels = len(self._parts.inputs.edge_mean)
        window = trained.config.data.window
        self._room = LayerRoom.of(window, width, edge_channels, sizes.heads)
        self._embedding = LayerRoom.of(1, int(self._parts.classifier.widths.max()), 0, 0)

    def look(self, graph: LiveGraph) -> None:
        """Scores a window."""
        self.score, self.surprise, self.familiarity = score_by_gat(
            graph, self._parts, self._room, self._embedding, self.state
        )


def window_scorer(trained: TrainedDetector, experts: Mapping[str, WindowScorer]) -> GatWindowScorer:
    """That of a trained GAT; it builds on no other."""
    sizes = trained.config.architecture
    if not isinstance(sizes, GatConfig):
        raise TypeError(f"expected the sizes of a GAT, got {type(sizes).__name__}")
    return GatWindowScorer(trained, sizes)


def effective_weights(
    weights: Mapping[str, NDArray[np.floating]], sizes: GatConfig
) -> dict[str, NDArray[np.floating]]:
    """The weights, with zeros for what has no say in the attention."""
    mute = {"edge_score.weight"} if not sizes.edge_features else set()
    if sizes.neighbours == "mean":
        mute = {"edge_score.weight", "att_src", "att_dst"}
    return {
        name: np.zeros_like(weight) if name.split(".", 2)[-1] in mute else weight
        for name, weight in weights.items()
    }
