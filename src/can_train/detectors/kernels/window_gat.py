"""The GAT on one window's graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.detectors.kernels.layers import attend, dense
from can_train.detectors.kernels.stacks import AttentionStack, DenseStack, LayerRoom, Real
from can_train.detectors.kernels.window import (
    Experience,
    WindowInputs,
    judge,
    take_edges,
    take_nodes,
)
from can_train.graphs.kernels.live import LiveGraph


class GatParts(NamedTuple):
    """A trained GAT; `mean` and `maximum` say how nodes are pooled."""

    inputs: WindowInputs
    layers: AttentionStack
    classifier: DenseStack
    mean: bool
    maximum: bool
    experience: Experience


@compiled()
def score_by_gat(
    graph: LiveGraph,
    gat: GatParts,
    room: LayerRoom,
    embedding: LayerRoom,
    state: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Log odds of an attack, its excess over the threshold, and familiarity.

    Args:
        graph: The window.
        gat: The network.
        room: Memory for its nodes.
        embedding: Memory for the pooled nodes.
        state: What a fusion sees; is filled.
    """
    nodes = graph.topology.nodes[0]
    familiarity = take_nodes(graph, gat.inputs, room)
    take_edges(graph, gat.inputs, False, room)
    at = filled = 0
    for layer in range(len(gat.layers.sizes)):
        at = attend(gat.layers, layer, at, nodes, room)
        width = gat.layers.sizes[layer, 1] * gat.layers.sizes[layer, 2]
        if gat.mean:
            _mean(room.x, nodes, width, embedding.x[0, filled:])
            filled += width
        if gat.maximum:
            _maximum(room.x, nodes, width, embedding.x[0, filled:])
            filled += width
    dense(gat.classifier, 1, embedding, False)
    margin = np.float64(embedding.x[0, 1]) - np.float64(embedding.x[0, 0])
    score, excess = judge(margin, familiarity, False, gat.experience, state)
    return score, excess, familiarity


@compiled(reassociates=True)
def _mean(x: Real, nodes: int, width: int, out: Real) -> None:
    out[:width] = 0.0
    for node in range(nodes):
        for k in range(width):
            out[k] += x[node, k]
    for k in range(width):
        out[k] /= np.float32(nodes)


@compiled()
def _maximum(x: Real, nodes: int, width: int, out: Real) -> None:
    for k in range(width):
        out[k] = x[0, k]
    for node in range(1, nodes):
        for k in range(width):
            out[k] = max(out[k], x[node, k])
