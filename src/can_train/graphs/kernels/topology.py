"""Jitted pass that numbers the nodes and edges of many windows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled


class FrameNodes(NamedTuple):
    """What decides the nodes, edges and labels of windows over n frames.

    Attributes:
        slots: Slot of each frame's arbitration ID [n], int32.
        ids: Arbitration IDs [n], uint32.
        labels: 0 or 1 [n], uint8.
        slot_count: Slots in use.
    """

    slots: NDArray[np.int32]
    ids: NDArray[np.uint32]
    labels: NDArray[np.uint8]
    slot_count: int


class Topology(NamedTuple):
    """Graphs of B windows of W frames with N nodes and E edges in all, without their features.

    Attributes:
        node_of_frame: Node of each frame, counted within the graph [B, W], uint16.
        edge_of_frame: Edge of each transition, likewise [B, W - 1], uint16.
        edge_index: Source and target node of each edge, likewise [2, E], uint16.
        has_reverse: Whether a graph has the edge in the other direction too [E], bool.
        node_id: Arbitration ID of each node [N], uint32.
        nodes: Nodes per graph [B], int64.
        edges: Edges per graph [B], int64.
        attacks: Attack frames per graph [B], int64.
    """

    node_of_frame: NDArray[np.uint16]
    edge_of_frame: NDArray[np.uint16]
    edge_index: NDArray[np.uint16]
    has_reverse: NDArray[np.bool_]
    node_id: NDArray[np.uint32]
    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]
    attacks: NDArray[np.int64]


class Met(NamedTuple):
    """Which nodes and edges were met, and in which window: nothing is cleared between windows.

    Attributes:
        node_window: Latest window that showed each slot [S], int64; -1 at first.
        node_number: Its node there [S], uint16.
        edge_window: Latest window that showed each pair of nodes [M, M], int64; -1 at first.
        edge_number: Its edge there [M, M], uint16.
    """

    node_window: NDArray[np.int64]
    node_number: NDArray[np.uint16]
    edge_window: NDArray[np.int64]
    edge_number: NDArray[np.uint16]

    @classmethod
    def nothing(cls, slots: int, nodes: int) -> Met:
        """Room for so many slots, and for windows with so many nodes."""
        return cls(
            node_window=np.full(slots, -1, np.int64),
            node_number=np.zeros(slots, np.uint16),
            edge_window=np.full((nodes, nodes), -1, np.int64),
            edge_number=np.zeros((nodes, nodes), np.uint16),
        )


def topology_of(frames: FrameNodes, starts: NDArray[np.int64], window: int) -> Topology:
    """Nodes and edges of each window, numbered in order of first appearance.

    Args:
        frames: The frames.
        starts: First frame of each window [B].
        window: Frames per window.
    """
    most_nodes = min(window, frames.slot_count)
    room = room_for(len(starts), window, most_nodes)
    met = Met.nothing(frames.slot_count, most_nodes)
    nodes, edges = fill_topology(frames, starts, 0, met, room)
    return room._replace(
        edge_index=np.ascontiguousarray(room.edge_index[:, :edges]),
        has_reverse=room.has_reverse[:edges].copy(),
        node_id=room.node_id[:nodes].copy(),
    )


def room_for(count: int, window: int, most_nodes: int) -> Topology:
    """Arrays that are large enough for so many windows, with nothing in them."""
    most_edges = min(window - 1, most_nodes * most_nodes)
    return Topology(
        node_of_frame=np.empty((count, window), np.uint16),
        edge_of_frame=np.empty((count, window - 1), np.uint16),
        edge_index=np.empty((2, count * most_edges), np.uint16),
        has_reverse=np.empty(count * most_edges, np.bool_),
        node_id=np.empty(count * most_nodes, np.uint32),
        nodes=np.empty(count, np.int64),
        edges=np.empty(count, np.int64),
        attacks=np.empty(count, np.int64),
    )


@compiled()
def fill_topology(
    frames: FrameNodes, starts: NDArray[np.int64], number: int, met: Met, graph: Topology
) -> tuple[int, int]:
    """Writes the graphs; gives the number of nodes and of edges written.

    Args:
        frames: The frames.
        starts: First frame of each window [B].
        number: Of the first window; later windows have larger ones.
        met: What earlier windows showed; is brought up to date.
        graph: Is filled.
    """
    window = graph.node_of_frame.shape[1]
    node_window, node_number, edge_window, edge_number = met
    total_nodes = 0
    total_edges = 0
    for w in range(len(starts)):
        start = starts[w]
        found_nodes = 0
        found_edges = 0
        attack_frames = 0
        before = 0
        for k in range(window):
            s = frames.slots[start + k]
            if node_window[s] != number + w:
                node_window[s] = number + w
                node_number[s] = found_nodes
                graph.node_id[total_nodes + found_nodes] = frames.ids[start + k]
                found_nodes += 1
            here = node_number[s]
            graph.node_of_frame[w, k] = here
            attack_frames += frames.labels[start + k]
            if k > 0:
                if edge_window[before, here] != number + w:
                    edge_window[before, here] = number + w
                    edge_number[before, here] = found_edges
                    graph.edge_index[0, total_edges + found_edges] = before
                    graph.edge_index[1, total_edges + found_edges] = here
                    # A self-loop is its own counterpart.
                    has_reverse = edge_window[here, before] == number + w
                    graph.has_reverse[total_edges + found_edges] = has_reverse
                    if has_reverse:
                        graph.has_reverse[total_edges + edge_number[here, before]] = True
                    found_edges += 1
                graph.edge_of_frame[w, k - 1] = edge_number[before, here]
            before = here
        graph.nodes[w], graph.edges[w], graph.attacks[w] = found_nodes, found_edges, attack_frames
        total_nodes += found_nodes
        total_edges += found_edges
    return total_nodes, total_edges
