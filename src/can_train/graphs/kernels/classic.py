"""Jitted passes for the published feature set (docs/concepts/graphs.md)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.graphs.features import ClassicEdge, ClassicNode
from can_train.graphs.kernels.topology import Topology

_PAYLOAD_BYTES: Final = 8
"""The published set looks at a classic CAN payload; further bytes of CAN FD don't count."""

_LARGEST_BYTE: Final = 255.0


@compiled()
def fill_classic(
    timestamps: NDArray[np.float64],
    payloads: NDArray[np.uint8],
    starts: NDArray[np.int64],
    topology: Topology,
    node_x: NDArray[np.float32],
    edge_x: NDArray[np.float32],
) -> None:
    """Features of every node and edge; positions are relative to the window.

    Args:
        timestamps: Of n frames [n], seconds.
        payloads: Bytes of n frames [n, P], zero beyond each frame's DLC.
        starts: First frame of each window [B].
        topology: Nodes and edges of the windows.
        node_x: Zeroed, is filled [N, F].
        edge_x: Zeroed, is filled [E, G].
    """
    timestamps, payloads = borrowed(timestamps), borrowed(payloads)
    topology, node_x, edge_x = borrowed(topology), borrowed(node_x), borrowed(edge_x)
    window = topology.node_of_frame.shape[1]
    first_node = 0
    first_edge = 0
    degree = np.zeros(window, np.int64)
    for w in range(len(starts)):
        start = starts[w]
        next_node = first_node + topology.nodes[w]
        next_edge = first_edge + topology.edges[w]
        edges = edge_x[first_edge:next_edge]
        _classic_nodes(
            payloads[start : start + window],
            topology.node_of_frame[w],
            node_x[first_node:next_node],
        )
        _classic_edges(timestamps[start : start + window], topology.edge_of_frame[w], edges)
        degree[: topology.nodes[w]] = 0
        has_reverse = topology.has_reverse[first_edge:next_edge]
        _classic_degrees(topology.edge_index[:, first_edge:next_edge], has_reverse, degree, edges)
        first_node = next_node
        first_edge = next_edge


@compiled()
def _classic_nodes(
    payloads: NDArray[np.uint8], node_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Mean of each payload byte as a share of 255, number of frames, position of the last one."""
    window = len(node_of_frame)
    for k in range(window):
        v = x[node_of_frame[k]]
        for b in range(_PAYLOAD_BYTES):
            v[ClassicNode.PAYLOAD_BYTE_0_MEAN + b] += payloads[k, b]
        v[ClassicNode.OCCURRENCE_COUNT] += 1.0
        v[ClassicNode.LAST_POSITION] = k / (window - 1)
    for i in range(len(x)):
        v = x[i]
        for b in range(_PAYLOAD_BYTES):
            v[ClassicNode.PAYLOAD_BYTE_0_MEAN + b] /= (
                _LARGEST_BYTE * v[ClassicNode.OCCURRENCE_COUNT]
            )


@compiled()
def _classic_edges(
    timestamps: NDArray[np.float64], edge_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Count, frequency, interval mean and std [s] (Welford), regularity, positions, spread."""
    transitions = len(edge_of_frame)
    mean = np.zeros(len(x))
    squares = np.zeros(len(x))
    for k in range(transitions):
        i = edge_of_frame[k]
        e = x[i]
        interval = timestamps[k + 1] - timestamps[k]
        position = k / transitions
        if e[ClassicEdge.COUNT] == 0.0:
            e[ClassicEdge.FIRST_POSITION] = position
        e[ClassicEdge.COUNT] += 1.0
        error = interval - mean[i]
        mean[i] += error / e[ClassicEdge.COUNT]
        squares[i] += error * (interval - mean[i])
        e[ClassicEdge.LAST_POSITION] = position
    for i in range(len(x)):
        e = x[i]
        e[ClassicEdge.RELATIVE_FREQUENCY] = e[ClassicEdge.COUNT] / transitions
        e[ClassicEdge.INTERVAL_MEAN] = mean[i]
        e[ClassicEdge.INTERVAL_STD] = math.sqrt(squares[i] / e[ClassicEdge.COUNT])
        e[ClassicEdge.REGULARITY] = 1.0 / (1.0 + e[ClassicEdge.INTERVAL_STD])
        e[ClassicEdge.POSITION_SPREAD] = (
            e[ClassicEdge.LAST_POSITION] - e[ClassicEdge.FIRST_POSITION]
        )


@compiled()
def _classic_degrees(
    edge_index: NDArray[np.uint16],
    has_reverse: NDArray[np.bool_],
    degree: NDArray[np.int64],
    x: NDArray[np.float32],
) -> None:
    """Reverse edges, and product and ratio of the degrees (in plus out) of both ends."""
    for i in range(len(x)):
        degree[edge_index[0, i]] += 1
        degree[edge_index[1, i]] += 1
    for i in range(len(x)):
        source = degree[edge_index[0, i]]
        target = degree[edge_index[1, i]]
        x[i, ClassicEdge.HAS_REVERSE_EDGE] = has_reverse[i]
        x[i, ClassicEdge.DEGREE_PRODUCT] = source * target
        x[i, ClassicEdge.DEGREE_RATIO] = source / target
