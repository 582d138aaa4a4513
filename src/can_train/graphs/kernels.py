"""Jitted passes that turn the frames of many windows into nodes and edges."""

from __future__ import annotations

import math
from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from can_train.graphs.state import (
    BITS_CHANGED,
    BITS_SURPRISE,
    BUS_GAP,
    DENSITY,
    DLC_CHANGED,
    LOG_RATIO,
    MISSING_SHARE,
    NEW_BITS,
    NOVELTY,
    PERIOD,
    VARIATION,
    Z_SCORE,
)

Topology: TypeAlias = tuple[
    NDArray[np.uint16],
    NDArray[np.uint16],
    NDArray[np.uint16],
    NDArray[np.uint32],
    NDArray[np.int64],
    NDArray[np.int64],
]
"""node_of_frame [B, W],
edge_of_frame [B, W - 1], edge_index [2, E], node_id [N], nodes, edges [B]."""

Output: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""node_x [N, F] and edge_x [E, G], zeroed."""

_TIME_FLOOR_S = 1e-5


@numba.njit(cache=True, nogil=True)
def fill_topology(
    frames: tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.uint8]],
    starts: NDArray[np.int64],
    sizes: tuple[int, int, int],
    graph: tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint32], NDArray[np.uint16]],
    counts: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> tuple[int, int]:
    """Numbers the nodes and edges of each window in order of first appearance.

    Returns:
        Number of nodes and of edges written.
    """
    slots, ids, labels = frames
    window, slot_count, most_nodes = sizes
    node_of_frame, edge_of_frame, node_id, edge_index = graph
    nodes, edges, attacks = counts
    node_stamp = np.full(slot_count, -1, np.int64)
    node_number = np.zeros(slot_count, np.uint16)
    edge_stamp = np.full((most_nodes, most_nodes), -1, np.int64)
    edge_number = np.zeros((most_nodes, most_nodes), np.uint16)
    total_nodes = 0
    total_edges = 0
    for w in range(len(starts)):
        start = starts[w]
        found_nodes = 0
        found_edges = 0
        attack_frames = 0
        before = 0
        for k in range(window):
            s = slots[start + k]
            if node_stamp[s] != w:
                node_stamp[s] = w
                node_number[s] = found_nodes
                node_id[total_nodes + found_nodes] = ids[start + k]
                found_nodes += 1
            here = node_number[s]
            node_of_frame[w, k] = here
            attack_frames += labels[start + k]
            if k > 0:
                if edge_stamp[before, here] != w:
                    edge_stamp[before, here] = w
                    edge_number[before, here] = found_edges
                    edge_index[0, total_edges + found_edges] = before
                    edge_index[1, total_edges + found_edges] = here
                    found_edges += 1
                edge_of_frame[w, k - 1] = edge_number[before, here]
            before = here
        nodes[w], edges[w], attacks[w] = found_nodes, found_edges, attack_frames
        total_nodes += found_nodes
        total_edges += found_edges
    return total_nodes, total_edges


@numba.njit(cache=True, nogil=True, inline="always")
def _has_reverse(edge_index: NDArray[np.uint16], first: int, count: int, e: int) -> bool:
    source, target = edge_index[0, first + e], edge_index[1, first + e]
    for other in range(count):
        if edge_index[0, first + other] == target and edge_index[1, first + other] == source:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def fill_classic(
    frames: tuple[NDArray[np.float64], NDArray[np.uint8]],
    starts: NDArray[np.int64],
    topology: Topology,
    output: Output,
) -> None:
    """The published feature set (domain page, section 2); positions are relative to the window."""
    timestamps, payloads = frames
    node_of_frame, edge_of_frame, edge_index, node_id, nodes, edges = topology
    node_x, edge_x = output
    window = node_of_frame.shape[1]
    first_node = 0
    first_edge = 0
    degree = np.zeros(window, np.int64)
    for w in range(len(starts)):
        start = starts[w]
        for k in range(window):
            x = node_x[first_node + node_of_frame[w, k]]
            for b in range(8):
                x[b] += payloads[start + k, b]
            x[8] += 1.0
            x[9] = k / (window - 1)
        for v in range(nodes[w]):
            x = node_x[first_node + v]
            for b in range(8):
                x[b] /= 255.0 * x[8]
        _classic_edges(
            timestamps[start : start + window],
            edge_of_frame[w],
            edge_x[first_edge : first_edge + edges[w]],
        )
        degree[: nodes[w]] = 0
        for e in range(edges[w]):
            degree[edge_index[0, first_edge + e]] += 1
            degree[edge_index[1, first_edge + e]] += 1
        for e in range(edges[w]):
            x = edge_x[first_edge + e]
            source = degree[edge_index[0, first_edge + e]]
            target = degree[edge_index[1, first_edge + e]]
            x[8] = _has_reverse(edge_index, first_edge, edges[w], e)
            x[9] = source * target
            x[10] = source / target
        first_node += nodes[w]
        first_edge += edges[w]


@numba.njit(cache=True, nogil=True)
def _classic_edges(
    timestamps: NDArray[np.float64], edge_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Count, frequency, interval mean and std [s], regularity, first, last position, spread."""
    transitions = len(edge_of_frame)
    mean = np.zeros(len(x))
    squares = np.zeros(len(x))
    for k in range(transitions):
        e = edge_of_frame[k]
        interval = timestamps[k + 1] - timestamps[k]
        position = k / transitions
        if x[e, 0] == 0.0:
            x[e, 5] = position
        x[e, 0] += 1.0
        error = interval - mean[e]
        mean[e] += error / x[e, 0]
        squares[e] += error * (interval - mean[e])
        x[e, 6] = position
    for e in range(len(x)):
        x[e, 1] = x[e, 0] / transitions
        x[e, 2] = mean[e]
        x[e, 3] = math.sqrt(squares[e] / x[e, 0])
        x[e, 4] = 1.0 / (1.0 + x[e, 3])
        x[e, 7] = x[e, 6] - x[e, 5]


@numba.njit(cache=True, nogil=True)
def fill_relational(
    state: tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]],
    starts: NDArray[np.int64],
    topology: Topology,
    output: Output,
) -> None:
    """Aggregates the causal per-frame state over the frames of each node and edge."""
    timestamps, per_frame, per_window = state
    node_of_frame, edge_of_frame, edge_index, node_id, nodes, edges = topology
    node_x, edge_x = output
    window = node_of_frame.shape[1]
    first_node = 0
    first_edge = 0
    for w in range(len(starts)):
        start = starts[w]
        frames = per_frame[start : start + window]
        times = timestamps[start : start + window]
        gap = per_window[w, BUS_GAP]
        x = node_x[first_node : first_node + nodes[w]]
        here = edge_index[:, first_edge : first_edge + edges[w]]
        _relational_nodes(frames, node_of_frame[w], x)
        _finish_nodes(x, here, node_id[first_node : first_node + nodes[w]], times)
        duration = max(times[-1] - times[0], 0.0)
        expected = (window - 1) * gap
        bus_rate = math.log((duration + _TIME_FLOOR_S) / (expected + _TIME_FLOOR_S))
        for v in range(nodes[w]):
            x[v, 18] = min(max(bus_rate, -3.0), 3.0)
            x[v, 19] = per_window[w, MISSING_SHARE]
        _relational_edges(
            (frames, times, gap),
            node_of_frame[w],
            edge_of_frame[w],
            here,
            edge_x[first_edge : first_edge + edges[w]],
        )
        first_node += nodes[w]
        first_edge += edges[w]


@numba.njit(cache=True, nogil=True)
def _relational_nodes(
    frames: NDArray[np.float32], node_of_frame: NDArray[np.uint16], x: NDArray[np.float32]
) -> None:
    """Sums and extremes per node; column 13 counts frames, column 14 holds the period [s]."""
    for k in range(len(node_of_frame)):
        v = x[node_of_frame[k]]
        f = frames[k]
        v[0] += f[LOG_RATIO]
        v[1] = min(v[1], f[LOG_RATIO]) if v[13] > 0.0 else f[LOG_RATIO]
        v[2] = max(v[2], f[LOG_RATIO]) if v[13] > 0.0 else f[LOG_RATIO]
        v[3] += f[Z_SCORE]
        v[4] = max(v[4], abs(f[Z_SCORE]))
        v[5] += f[VARIATION]
        v[6] += f[BITS_CHANGED]
        v[7] += f[BITS_SURPRISE]
        v[8] = max(v[8], abs(f[BITS_SURPRISE]))
        v[9] += f[NEW_BITS]
        v[10] = max(v[10], f[NEW_BITS])
        v[11] = max(v[11], f[DLC_CHANGED])
        v[12] = max(v[12], f[NOVELTY])
        v[13] += 1.0
        v[14] = f[PERIOD]
        v[17] += f[DENSITY]


@numba.njit(cache=True, nogil=True)
def _finish_nodes(
    x: NDArray[np.float32],
    edge_index: NDArray[np.uint16],
    node_id: NDArray[np.uint32],
    times: NDArray[np.float64],
) -> None:
    """Turns sums into means and counts into shares; ranks nodes by bus priority."""
    duration = max(times[-1] - times[0], 0.0)
    count = len(x)
    for e in range(edge_index.shape[1]):
        x[edge_index[0, e], 16] += 0.5 / count
        x[edge_index[1, e], 16] += 0.5 / count
    order = np.argsort(node_id)
    for rank in range(count):
        x[order[rank], 15] = rank / max(count - 1, 1)
    for v in range(count):
        frames = x[v, 13]
        for column in (0, 3, 5, 6, 7, 9, 17):
            x[v, column] /= frames
        x[v, 13] = frames / len(times)
        period = x[v, 14]
        x[v, 14] = 0.0
        if period > 0.0:
            ratio = math.log((frames + 0.5) / (duration / period + 0.5))
            x[v, 14] = min(max(ratio, -4.0), 4.0)


@numba.njit(cache=True, nogil=True)
def _relational_edges(
    state: tuple[NDArray[np.float32], NDArray[np.float64], float],
    node_of_frame: NDArray[np.uint16],
    edge_of_frame: NDArray[np.uint16],
    edge_index: NDArray[np.uint16],
    x: NDArray[np.float32],
) -> None:
    """Means and extremes over the transitions of each edge, from the frame that ends them."""
    frames, times, bus_gap = state
    outgoing = np.zeros(len(times), np.int64)
    for k in range(len(edge_of_frame)):
        e = x[edge_of_frame[k]]
        f = frames[k + 1]
        gap = math.log(
            (max(times[k + 1] - times[k], 0.0) + _TIME_FLOOR_S) / (bus_gap + _TIME_FLOOR_S)
        )
        gap = min(max(gap, -4.0), 4.0)
        e[3] = min(e[3], gap) if e[0] > 0.0 else gap
        e[0] += 1.0
        e[2] += gap
        e[6] += f[LOG_RATIO]
        e[7] = max(e[7], abs(f[Z_SCORE]))
        e[8] += f[BITS_SURPRISE]
        e[9] = max(e[9], f[NEW_BITS])
        e[10] = max(e[10], f[NOVELTY])
        e[11] = max(e[11], frames[k, NOVELTY])
        outgoing[node_of_frame[k]] += 1
    for i in range(len(x)):
        e = x[i]
        source, target = edge_index[0, i], edge_index[1, i]
        transitions = e[0]
        e[0] = transitions / len(edge_of_frame)
        e[1] = transitions / outgoing[source]
        e[2] /= transitions
        e[4] = source == target
        e[5] = _has_reverse(edge_index, 0, len(x), i)
        e[6] /= transitions
        e[8] /= transitions
