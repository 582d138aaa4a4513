"""Why a window is suspicious: how far its margin falls where one ID of it looks as usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.frame_scorer import FrameScorer
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.kernels.live import LiveGraph
from can_train.graphs.live import graph_room
from can_train.graphs.store import GraphStore

MOST_REASONS: Final = 3
"""IDs that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One ID that moved the margin of a window.

    Attributes:
        id: Its arbitration ID.
        drop: By how much the margin is lower where all its features are those of benign traffic.
        feature: The feature of it that does most of that alone.
        frames: Its frames in the window, counted in the stream from 0.
    """

    id: int
    drop: float
    feature: str
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptWindow:
    """The graph of a window, and what its frames were.

    Attributes:
        node_x: Node features [N, F], float32.
        node_id: Arbitration ID of each node [N], uint32.
        edge_x: Edge features [E, G], float32.
        edge_index: Source and target of each edge [2, E], uint16.
        start: Its first frame in the stream, from 0.
        frame_id: Arbitration ID of each frame [W], uint32.
    """

    node_x: NDArray[np.float32]
    node_id: NDArray[np.uint32]
    edge_x: NDArray[np.float32]
    edge_index: NDArray[np.uint16]
    start: int
    frame_id: NDArray[np.uint32]

    @classmethod
    def of_live(cls, graph: LiveGraph, start: int, frame_id: NDArray[np.uint32]) -> KeptWindow:
        """A copy of the latest window of a stream."""
        nodes, edges = int(graph.topology.nodes[0]), int(graph.topology.edges[0])
        return cls(
            node_x=graph.node_x[:nodes].copy(),
            node_id=graph.topology.node_id[:nodes].copy(),
            edge_x=graph.edge_x[:edges].copy(),
            edge_index=graph.topology.edge_index[:, :edges].copy(),
            start=start,
            frame_id=frame_id.copy(),
        )

    @classmethod
    def of_packed(
        cls, graphs: PackedGraphs | GraphStore, window: int, frame_id: NDArray[np.uint32]
    ) -> KeptWindow:
        """A copy of one of the windows of a recording.

        Args:
            graphs: Some of its graphs, or a store with them.
            window: Which of them.
            frame_id: Arbitration IDs of the window's frames [W].
        """
        nodes = slice(*graphs.node_ptr[window : window + 2].tolist())
        edges = slice(*graphs.edge_ptr[window : window + 2].tolist())
        return cls(
            node_x=graphs.node_x[nodes].copy(),
            node_id=graphs.node_id[nodes].copy(),
            edge_x=graphs.edge_x[edges].copy(),
            edge_index=np.stack([graphs.edge_source[edges], graphs.edge_target[edges]]),
            start=int(graphs.start[window]),
            frame_id=frame_id.copy(),
        )

    def place(self, graph: LiveGraph) -> None:
        """Copies it to where window scorers look at it."""
        nodes, edges = len(self.node_id), len(self.edge_x)
        graph.topology.nodes[0], graph.topology.edges[0] = nodes, edges
        graph.topology.node_id[:nodes] = self.node_id
        graph.topology.edge_index[:, :edges] = self.edge_index
        graph.node_x[:nodes], graph.edge_x[:edges] = self.node_x, self.edge_x


class Explainer:
    """Names what moved the margin of a detector, by occlusion.

    Args:
        detector: The detector with those that it fuses; the margin is its own.
    """

    def __init__(self, detector: FrameScorer) -> None:
        self._scorers = detector.window_scorers()
        self._own = detector.own.config.model
        self._usual = detector.own.trained.scaler.node_mean
        self._names = FEATURE_NAMES[detector.spec.features].node
        self._graph = graph_room(detector.spec)

    def reasons(self, window: KeptWindow) -> tuple[Reason, ...]:
        """The IDs that moved its margin up, most first; at most three."""
        return self.explained(window)[1]

    def explained(self, window: KeptWindow) -> tuple[NDArray[np.float64], tuple[Reason, ...]]:
        """By how much the margin falls without each node's oddities [N], and the same reasons."""
        window.place(self._graph)
        margin = self._margin()
        left = [self._margin_without(node, slice(None)) for node in range(len(window.node_id))]
        drop = margin - np.array(left)
        first = np.argsort(-drop, kind="stable")[:MOST_REASONS]
        reasons = (self._reason(window, node, drop[node]) for node in first if drop[node] > 0)
        return drop, tuple(reasons)

    def _reason(self, window: KeptWindow, node: int, drop: float) -> Reason:
        alone = [self._margin_without(node, feature) for feature in range(len(self._names))]
        identifier = int(window.node_id[node])
        return Reason(
            id=identifier,
            drop=float(drop),
            feature=self._names[int(np.argmin(alone))],
            frames=tuple((window.start + np.flatnonzero(window.frame_id == identifier)).tolist()),
        )

    def _margin_without(self, node: int, features: int | slice) -> float:
        """The margin where some features of a node are as usual."""
        x = self._graph.node_x
        kept = x[node].copy()
        x[node, features] = self._usual[features]
        margin = self._margin()
        x[node] = kept
        return margin

    def _margin(self) -> float:
        for scorer in self._scorers.values():
            scorer.look(self._graph)
        return self._scorers[self._own].score
