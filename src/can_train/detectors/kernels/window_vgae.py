"""The VGAE on one window's graph, with the errors of its nodes."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.detectors.kernels.elementary import exponential, log1p_of_unit
from can_train.detectors.kernels.layers import add_product, attend, dense
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
"""Added to errors before their logarithm; an error of a window whose IDs are unknown is 0."""


class IdWeights(NamedTuple):
    """Heads that tell a node's ID and those of its neighbours, of C known IDs and latents [L].

    Attributes:
        classes: What both heads know of each ID [L, C].
        id_bias: [C].
        turn: What turns a latent towards its neighbours [L, L].
        neighbour_bias: [C].
    """

    classes: Real
    id_bias: Real
    turn: Real
    neighbour_bias: Real


class VgaeParts(NamedTuple):
    """A trained VGAE; `error_scale` is the unit of each window error [4], float64."""

    inputs: WindowInputs
    encoder: AttentionStack
    latent: DenseStack
    decoder: DenseStack
    heads: IdWeights
    error_scale: NDArray[np.float64]
    experience: Experience


class NodeSums(NamedTuple):
    """Memory: which known IDs each node has an edge with [W, V], unknown first, and errors [4]."""

    neighbours: NDArray[np.bool_]
    errors: NDArray[np.float64]


@compiled()
def score_by_vgae(
    graph: LiveGraph,
    vgae: VgaeParts,
    room: LayerRoom,
    sums: NodeSums,
    state: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Logarithm of the window's error, its excess over the threshold, and familiarity.

    Args:
        graph: The window.
        vgae: The network.
        room: Memory for its nodes.
        sums: Memory for their errors.
        state: What a fusion sees; is filled.
    """
    nodes = graph.topology.nodes[0]
    familiarity = take_nodes(graph, vgae.inputs, room)
    take_edges(graph, vgae.inputs, True, room)
    at = 0
    for layer in range(len(vgae.encoder.sizes)):
        at = attend(vgae.encoder, layer, at, nodes, room)
    dense(vgae.latent, nodes, room, False)
    latents = vgae.latent.widths[-1]
    room.z[:nodes, :latents] = room.x[:nodes, :latents]
    dense(vgae.decoder, nodes, room, False)
    _reconstruction(graph, vgae.inputs, room.x, sums.errors)
    _note_neighbours(graph, room, sums.neighbours)
    _of_ids(vgae.heads, nodes, room, sums)
    _of_neighbours(vgae.heads, nodes, room, sums)
    combined = 0.0
    for k in range(4):
        combined += sums.errors[k] / vgae.error_scale[k]
    score = np.log(combined + LOG_FLOOR)
    state[4] = np.log(sums.errors[0] + LOG_FLOOR)
    state[5] = np.log(sums.errors[1] + LOG_FLOOR)
    score, excess = judge(score, familiarity, True, vgae.experience, state)
    return score, excess, familiarity


@compiled()
def _reconstruction(
    graph: LiveGraph, inputs: WindowInputs, x: Real, errors: NDArray[np.float64]
) -> None:
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
    errors[0], errors[1] = total / nodes, largest


@compiled()
def _note_neighbours(graph: LiveGraph, room: LayerRoom, neighbours: NDArray[np.bool_]) -> None:
    """Notes which IDs each node has an edge with, in either direction; unknown ones count first."""
    neighbours[: graph.topology.nodes[0]] = False
    for edge in range(graph.topology.edges[0]):
        source, target = graph.topology.edge_index[0, edge], graph.topology.edge_index[1, edge]
        neighbours[source, room.id_index[target]] = True
        neighbours[target, room.id_index[source]] = True


@compiled(reassociates=True)
def _of_ids(heads: IdWeights, nodes: int, room: LayerRoom, sums: NodeSums) -> None:
    """Mean cross-entropy of the known nodes' own IDs, from the latents in `room.z`."""
    classes = len(heads.id_bias)
    for node in range(nodes):
        for k in range(classes):
            room.y[node, k] = heads.id_bias[k]
    add_product(room.z, nodes, heads.classes, room.y)
    total, known = 0.0, 0
    for node in range(nodes):
        if room.id_index[node] == 0:
            continue
        logits = room.y[node]
        largest = logits[0]
        for k in range(1, classes):
            largest = max(largest, logits[k])
        mass = np.float32(0.0)
        for k in range(classes):
            mass += exponential(logits[k] - largest)
        total += np.log(np.float64(mass)) + largest - logits[room.id_index[node] - 1]
        known += 1
    sums.errors[2] = total / max(known, 1)


@compiled(reassociates=True)
def _of_neighbours(heads: IdWeights, nodes: int, room: LayerRoom, sums: NodeSums) -> None:
    """Mean binary cross-entropy of all known IDs, of known nodes beside a known one."""
    latents, classes = heads.turn.shape[0], len(heads.neighbour_bias)
    room.x[:nodes, :latents] = 0.0
    add_product(room.z, nodes, heads.turn, room.x)
    for node in range(nodes):
        for k in range(classes):
            room.y[node, k] = heads.neighbour_bias[k]
    add_product(room.x, nodes, heads.classes, room.y)
    total, known = 0.0, 0
    for node in range(nodes):
        hot = sums.neighbours[node]
        if room.id_index[node] == 0 or not hot[1:].any():
            continue
        error = np.float32(0.0)
        for k in range(classes):
            logit = room.y[node, k]
            error += log1p_of_unit(exponential(-abs(logit))) + max(logit, np.float32(0.0))
            error -= logit if hot[k + 1] else np.float32(0.0)
        total += np.float64(error) / classes
        known += 1
    sums.errors[3] = total / max(known, 1)
