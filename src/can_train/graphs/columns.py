"""The columns of packed graphs, declared once: built, written and read back by this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphColumns:
    """B graphs with N nodes and E edges in all, one behind the other.

    Attributes:
        node_x: Node features [N, F], float32 (columns: `features.FEATURE_NAMES`).
        node_id: Arbitration ID of each node [N], uint32.
        edge_source: Source node, counted within the graph [E], uint16.
        edge_target: Target node, counted within the graph [E], uint16.
        edge_x: Edge features [E, G], float32.
        attack_fraction: Share of attack frames per window [B], float32.
        start: First frame of each window in its recording [B], int64.
        start_s: Timestamp of that frame [B], float64.
        duration_s: Last timestamp minus first [B], float32.
    """

    node_x: NDArray[np.float32]
    node_id: NDArray[np.uint32]
    edge_source: NDArray[np.uint16]
    edge_target: NDArray[np.uint16]
    edge_x: NDArray[np.float32]
    attack_fraction: NDArray[np.float32]
    start: NDArray[np.int64]
    start_s: NDArray[np.float64]
    duration_s: NDArray[np.float32]

    def __len__(self) -> int:
        """B."""
        return len(self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedGraphs(GraphColumns):
    """Graphs of windows of one recording, as they are built.

    Attributes:
        nodes: Nodes per graph [B], int64.
        edges: Edges per graph [B], int64.
    """

    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]

    @property
    def node_ptr(self) -> NDArray[np.int64]:
        """First node of each window, and N [B + 1], int64."""
        return first_rows(self.nodes)

    @property
    def edge_ptr(self) -> NDArray[np.int64]:
        """First edge of each window, and E [B + 1], int64."""
        return first_rows(self.edges)


def first_rows(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """First row of each window that has `counts` [B] rows, and the total [B + 1], int64."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredColumn:
    """One file of a packed store.

    Attributes:
        name: Name of the file, and of the attribute that it becomes.
        dtype: Its numbers on disk.
        per: What has one row.
        wide: Whether a row holds one number per feature.
        of: The column's rows for some graphs of the recording with this index.
    """

    name: str
    dtype: str
    per: Literal["node", "edge", "window"]
    wide: bool = False
    of: Callable[[PackedGraphs, int], NDArray[Any]]


STORED: Final = (
    StoredColumn(name="node_x", dtype="<f4", per="node", wide=True, of=lambda g, _: g.node_x),
    StoredColumn(name="node_id", dtype="<u4", per="node", of=lambda g, _: g.node_id),
    StoredColumn(name="edge_source", dtype="<u2", per="edge", of=lambda g, _: g.edge_source),
    StoredColumn(name="edge_target", dtype="<u2", per="edge", of=lambda g, _: g.edge_target),
    StoredColumn(name="edge_x", dtype="<f4", per="edge", wide=True, of=lambda g, _: g.edge_x),
    StoredColumn(name="nodes", dtype="<i8", per="window", of=lambda g, _: g.nodes),
    StoredColumn(name="edges", dtype="<i8", per="window", of=lambda g, _: g.edges),
    StoredColumn(
        name="attack_fraction", dtype="<f4", per="window", of=lambda g, _: g.attack_fraction
    ),
    StoredColumn(name="start", dtype="<i8", per="window", of=lambda g, _: g.start),
    StoredColumn(name="start_s", dtype="<f8", per="window", of=lambda g, _: g.start_s),
    StoredColumn(name="duration_s", dtype="<f4", per="window", of=lambda g, _: g.duration_s),
    StoredColumn(
        name="recording", dtype="<i4", per="window", of=lambda g, number: np.full(len(g), number)
    ),
)
"""Every file of a packed store but `meta.json`."""
