"""The GAT on single windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.kernels.stacks import LayerRoom, Residual
from can_train.detectors.kernels.window_gat import GatParts, score_by_gat
from can_train.detectors.window_scorer import (
    TrainedDetector,
    WindowScorer,
    attention_stack,
    dense_stack,
    layers_of,
    require_ends,
)
from can_train.graphs.kernels.live import LiveGraph

_LOGITS: Final = 2


class GatWindowScorer(WindowScorer):
    """Log odds of an attack of one window after the other.

    Args:
        trained: A GAT.
        sizes: Its architecture.
    """

    def __init__(self, trained: TrainedDetector, sizes: GatConfig) -> None:
        super().__init__(trained.spec.state_channels)
        weights = effective_weights(trained.weights, sizes)
        inputs = trained.inputs
        edge_channels = len(inputs.edge_mean)
        channels = (inputs.channels, edge_channels)
        layers = attention_stack(weights, "convolutions", Residual.INPUT, channels)
        classifier = dense_stack(weights, layers_of(weights, "classifier"))
        pooled = int(layers.outputs.sum()) * len(sizes.pooling.split("-"))
        require_ends("classifier", classifier, pooled, _LOGITS)
        self._parts = GatParts(
            inputs=inputs,
            layers=layers,
            classifier=classifier,
            mean="mean" in sizes.pooling,
            maximum="max" in sizes.pooling,
            experience=trained.experience,
        )
        width = max(inputs.channels, int(layers.outputs.max()))
        window = trained.config.data.window
        self._room = LayerRoom.of(window, width, edge_channels, layers.heads)
        self._embedding = LayerRoom.of(1, int(self._parts.classifier.widths.max()), 0, 0)

    def look(self, graph: LiveGraph) -> None:
        """Scores a window."""
        self.score, self.excess, self.familiarity = score_by_gat(
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
    """The weights of a GAT, with zeros for what has no say."""
    mute = {"edge_score.weight"} if not sizes.edge_features else set()
    if sizes.neighbours != "attention":
        mute = {"edge_score.weight", "att_src", "att_dst"}
    if sizes.neighbours == "none":
        mute.add("lin.weight")
    return {
        name: np.zeros_like(weight) if name.split(".", 2)[-1] in mute else weight
        for name, weight in weights.items()
    }
