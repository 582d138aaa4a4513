"""The VGAE on one window's graph, with the errors of its nodes."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.detectors.kernels.layers import attend, dense
from can_train.detectors.kernels.stacks import AttentionStack, DenseStack, LayerRoom, Real
from can_train.detectors.kernels.window import (
    Experience,
    WindowInputs,
    judge,
    scaled,
    take_edges,
    take_nodes,
)
from can_train.graphs.kernels.live import LiveGraph

LOG_FLOOR: Final = 1e-6
"""Added to errors before their logarithm."""


class VgaeParts(NamedTuple):
    """A trained VGAE; `error_scale` is the unit of each window error [2], float64."""

    inputs: WindowInputs
    encoder: AttentionStack
    latent: DenseStack
    decoder: DenseStack
    error_scale: NDArray[np.float64]
    experience: Experience


@compiled()
def score_by_vgae(
    graph: LiveGraph,
    vgae: VgaeParts,
    room: LayerRoom,
    state: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Logarithm of the window's error, its excess over the threshold, and familiarity.

    Args:
        graph: The window.
        vgae: The network.
        room: Memory for its nodes.
        state: What a fusion sees; is filled.
    """
    nodes = graph.topology.nodes[0]
    familiarity = take_nodes(graph, vgae.inputs, room)
    take_edges(graph, vgae.inputs, True, room)
    at = 0
    for layer in range(len(vgae.encoder.sizes)):
        at = attend(vgae.encoder, layer, at, nodes, room)
    dense(vgae.latent, nodes, room, False)
    dense(vgae.decoder, nodes, room, False)
    mean, worst = _reconstruction(graph, vgae.inputs, room.x)
    score = np.log(mean / vgae.error_scale[0] + worst / vgae.error_scale[1] + LOG_FLOOR)
    state[4] = np.log(mean + LOG_FLOOR)
    state[5] = np.log(worst + LOG_FLOOR)
    score, excess = judge(score, familiarity, True, vgae.experience, state)
    return score, excess, familiarity


@compiled()
def _reconstruction(graph: LiveGraph, inputs: WindowInputs, x: Real) -> tuple[float, float]:
    """Mean and largest squared error of the nodes' features."""
    nodes, channels = graph.topology.nodes[0], len(inputs.node_mean)
    total = largest = 0.0
    for node in range(nodes):
        error = 0.0
        for k in range(channels):
            true = scaled(graph.node_x[node, k], inputs.node_mean[k], inputs.node_scale[k])
            error += (x[node, k] - true) ** 2
        total += error / channels
        largest = max(largest, error / channels)
    return total / nodes, largest
