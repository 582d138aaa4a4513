"""Windows of frames become graphs: one node per arbitration ID, one edge per transition.

Graphs of many windows are written one behind the other into flat arrays (`PackedGraphs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.kernels import fill_classic, fill_relational, fill_topology
from can_train.graphs.state import IdSlots, IdState

WINDOWS_PER_CHUNK: Final = 2048
"""Windows built at once; bounds the memory of building whatever a recording's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedGraphs:
    """B graphs with N nodes and E edges in all.

    Attributes:
        node_x: Node features [N, F], float32 (columns: `features.FEATURE_NAMES`).
        node_id: Arbitration ID of each node [N], uint32.
        edge_index: Source and target [2, E], uint16, counted within the graph.
        edge_x: Edge features [E, G], float32.
        nodes: Nodes per graph [B], int64.
        edges: Edges per graph [B], int64.
        attack_fraction: Share of attack frames per graph [B], float32.
        start: First frame of each window in its recording [B], int64.
        start_s: Timestamp of that frame [B], float64.
        duration_s: Last timestamp minus first [B], float32.
    """

    node_x: NDArray[np.float32]
    node_id: NDArray[np.uint32]
    edge_index: NDArray[np.uint16]
    edge_x: NDArray[np.float32]
    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]
    attack_fraction: NDArray[np.float32]
    start: NDArray[np.int64]
    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float32]


def window_count(frames: int, window: int, stride: int) -> int:
    """Number of full windows in a recording; a window never crosses its end."""
    return max(0, (frames - window) // stride + 1)


class GraphBuilder:
    """Builds the graphs of one recording, in one pass or as a live stream.

    Feed the frames in any cut to `build`; it yields the graphs of all windows that end in
    them. The numbers don't depend on the cut.

    Args:
        features: `classic` or `relational`.
        window: Frames per window.
        stride: Frames between window starts.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """

    def __init__(self, *, features: str, window: int, stride: int, words: int = 1) -> None:
        self.features = features
        self.window = window
        self.stride = stride
        self._slots = IdSlots()
        self._state = IdState(window=window, stride=stride, words=words)
        self._held: tuple[Frames, NDArray[np.int32], NDArray[np.float32]] | None = None
        self._next_start = 0
        self._held_from = 0

    def build(self, frames: Frames) -> Iterator[PackedGraphs]:
        """Yields the graphs of the windows that end within the next frames, in chunks."""
        step = WINDOWS_PER_CHUNK * self.stride
        for begin in range(0, len(frames), step):
            yield self._chunk(frames[begin : begin + step])

    def _chunk(self, frames: Frames) -> PackedGraphs:
        slots = self._slots.assign(np.ascontiguousarray(frames.arbitration_id))
        if self.features == "relational":
            per_frame, per_window = self._state.update(frames, slots, self._slots.count)
        else:
            per_frame = np.empty((len(frames), 0), np.float32)
            per_window = np.empty((0, 2), np.float32)
        if self._held is not None:
            frames = _concatenate(self._held[0], frames)
            slots = np.concatenate([self._held[1], slots])
            per_frame = np.concatenate([self._held[2], per_frame])
        first = self._next_start - self._held_from
        windows = window_count(max(len(frames) - first, 0), self.window, self.stride)
        starts = first + self.stride * np.arange(windows, dtype=np.int64)
        graphs = self._graphs(frames, slots, per_frame, per_window, starts)
        self._next_start += windows * self.stride
        keep = min(max(self._next_start - self._held_from, 0), len(frames))
        self._held = (frames[keep:], slots[keep:], per_frame[keep:])
        self._held_from += keep
        return graphs

    def _graphs(
        self,
        frames: Frames,
        slots: NDArray[np.int32],
        per_frame: NDArray[np.float32],
        per_window: NDArray[np.float32],
        starts: NDArray[np.int64],
    ) -> PackedGraphs:
        """Graphs of the windows that begin at rows `starts` of `frames`."""
        window, count = self.window, len(starts)
        most_nodes = min(window, self._slots.count)
        most_edges = min(window - 1, most_nodes * most_nodes)
        node_of_frame = np.empty((count, window), np.uint16)
        edge_of_frame = np.empty((count, window - 1), np.uint16)
        nodes = np.empty(count, np.int64)
        edges = np.empty(count, np.int64)
        node_id = np.empty(count * most_nodes, np.uint32)
        edge_index = np.empty((2, count * most_edges), np.uint16)
        attacks = np.empty(count, np.int64)
        total_nodes, total_edges = fill_topology(
            (slots, frames.arbitration_id, frames.label),
            starts,
            (window, self._slots.count, most_nodes),
            (node_of_frame, edge_of_frame, node_id, edge_index),
            (nodes, edges, attacks),
        )
        names = FEATURE_NAMES[self.features]
        node_x = np.zeros((total_nodes, len(names.node)), np.float32)
        edge_x = np.zeros((total_edges, len(names.edge)), np.float32)
        edge_index = np.ascontiguousarray(edge_index[:, :total_edges])
        node_id = node_id[:total_nodes].copy()
        topology = (node_of_frame, edge_of_frame, edge_index, node_id, nodes, edges)
        if self.features == "relational":
            fill_relational(
                (frames.timestamp, per_frame, per_window), starts, topology, (node_x, edge_x)
            )
        else:
            fill_classic((frames.timestamp, frames.payload), starts, topology, (node_x, edge_x))
        begin = frames.timestamp[starts]
        return PackedGraphs(
            node_x=node_x,
            node_id=node_id,
            edge_index=edge_index,
            edge_x=edge_x,
            nodes=nodes,
            edges=edges,
            attack_fraction=(attacks / window).astype(np.float32),
            start=starts + self._held_from,
            start_s=begin,
            duration_s=(frames.timestamp[starts + window - 1] - begin).astype(np.float32),
        )


def _concatenate(first: Frames, second: Frames) -> Frames:
    return Frames(
        timestamp=np.concatenate([first.timestamp, second.timestamp]),
        arbitration_id=np.concatenate([first.arbitration_id, second.arbitration_id]),
        dlc=np.concatenate([first.dlc, second.dlc]),
        payload=np.concatenate([first.payload, second.payload]),
        label=np.concatenate([first.label, second.label]),
    )
