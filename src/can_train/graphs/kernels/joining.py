"""Jitted pass that joins stored windows into one graph, features scaled and IDs looked up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled


class StoredGraphs(NamedTuple):
    """Columns of a store of B windows, N nodes and E edges.

    Attributes:
        node_x: [N, F], float32.
        node_id: [N], uint32.
        node_ptr: First node of each window, and N [B + 1], int64.
        edge_x: [E, G], float32.
        source, target: Ends of each edge, counted within its window [E], uint16.
        edge_ptr: First edge of each window, and E [B + 1], int64.
    """

    node_x: NDArray[np.float32]
    node_id: NDArray[np.uint32]
    node_ptr: NDArray[np.int64]
    edge_x: NDArray[np.float32]
    source: NDArray[np.uint16]
    target: NDArray[np.uint16]
    edge_ptr: NDArray[np.int64]


class Scaling(NamedTuple):
    """Features become (x - mean) / scale within +-limit, IDs their place in `ids` plus 1."""

    node_mean: NDArray[np.float32]
    node_scale: NDArray[np.float32]
    edge_mean: NDArray[np.float32]
    edge_scale: NDArray[np.float32]
    limit: np.float32
    ids: NDArray[np.uint32]


class JoinedGraphs(NamedTuple):
    """What `graphs/batch.py:GraphBatch` holds, n nodes and e edges in all.

    Attributes:
        x: [n, F], float32.
        id_index: [n], int64; 0 for unknown IDs.
        edge_index: [2, e], int64.
        edge_attr: [e, G], float32.
        batch: [n], int64.
    """

    x: NDArray[np.float32]
    id_index: NDArray[np.int64]
    edge_index: NDArray[np.int64]
    edge_attr: NDArray[np.float32]
    batch: NDArray[np.int64]


@compiled()
def joined(graphs: StoredGraphs, windows: NDArray[np.int64], scaling: Scaling) -> JoinedGraphs:
    """The graphs of `windows`, any order, repeats allowed."""
    nodes = edges = 0
    for window in windows:
        nodes += graphs.node_ptr[window + 1] - graphs.node_ptr[window]
        edges += graphs.edge_ptr[window + 1] - graphs.edge_ptr[window]
    result = JoinedGraphs(
        np.empty((nodes, graphs.node_x.shape[1]), np.float32),
        np.empty(nodes, np.int64),
        np.empty((2, edges), np.int64),
        np.empty((edges, graphs.edge_x.shape[1]), np.float32),
        np.empty(nodes, np.int64),
    )
    given, by, to = borrowed(graphs), borrowed(scaling), borrowed(result)
    node = edge = 0
    for number in range(len(windows)):
        window = windows[number]
        begin, end = given.node_ptr[window], given.node_ptr[window + 1]
        _scale(given.node_x, begin, end, by.node_mean, by.node_scale, by.limit, to.x, node)
        for row in range(begin, end):
            to.id_index[node + row - begin] = _place(by.ids, given.node_id[row])
            to.batch[node + row - begin] = number
        first, last = given.edge_ptr[window], given.edge_ptr[window + 1]
        _scale(given.edge_x, first, last, by.edge_mean, by.edge_scale, by.limit, to.edge_attr, edge)
        for row in range(first, last):
            to.edge_index[0, edge + row - first] = node + given.source[row]
            to.edge_index[1, edge + row - first] = node + given.target[row]
        node, edge = node + end - begin, edge + last - first
    return result


@compiled(divides=True)
def _scale(  # noqa: PLR0913 - compiled functions take arrays, no objects
    x: NDArray[np.float32],
    begin: int,
    end: int,
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    limit: np.float32,
    to: NDArray[np.float32],
    at: int,
) -> None:
    """Writes rows of x, from `begin` to `end`, to those of `to` from `at` on."""
    for row in range(begin, end):
        of, out = x[row], to[at + row - begin]
        for c in range(len(mean)):
            value = (of[c] - mean[c]) / scale[c]
            value = limit if value > limit else value
            out[c] = -limit if value < -limit else value


@compiled()
def _place(ids: NDArray[np.uint32], arbitration_id: np.uint32) -> int:
    """Place of an ID among sorted ones, counted from 1; 0 where it isn't."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < arbitration_id:
            low = middle + 1
        else:
            high = middle
    return low + 1 if low < len(ids) and ids[low] == arbitration_id else 0
