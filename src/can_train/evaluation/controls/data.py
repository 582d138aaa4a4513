"""What controls see of windows, and per-window statistics of their node features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.store import GraphStore, rows_of

DEVIATION_FEATURE: Final = "interval_z_abs_max"
"""Node feature with the largest deviation of an inter-arrival time from its ID's own past."""

PERCENTILES: Final = (0.1, 0.5, 0.9)
_DENSE_CELLS: Final = 4_000_000
"""Padded cells sorted at once (16 MB of float32)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlData:
    """B windows with N nodes in all.

    Attributes:
        node_x: Node features, unscaled [N, F], float32.
        node_ptr: First node of each window, and N [B + 1], int64; no window is empty.
        edge_ptr: First edge of each window, and the number of edges [B + 1], int64.
        node_id: Arbitration IDs [N], uint32.
        label: 1 for attack windows [B], uint8.
        relative_position: Start of the window over the length of its recording [B], float64.
        interval_deviation: Largest inter-arrival deviation in the window [B], float64; `None`
            when the feature set holds no time (`classic`).
    """

    node_x: NDArray[np.float32]
    node_ptr: NDArray[np.int64]
    edge_ptr: NDArray[np.int64]
    node_id: NDArray[np.uint32]
    label: NDArray[np.uint8]
    relative_position: NDArray[np.float64]
    interval_deviation: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.label)


def control_data(store: GraphStore, windows: NDArray[np.int64]) -> ControlData:
    """What controls see of `windows` [B] of `store`, in that order."""
    rows = rows_of(store.node_ptr, windows)
    node_x = store.node_x[rows]
    node_ptr = _offsets(store.node_ptr[windows + 1] - store.node_ptr[windows])
    names = FEATURE_NAMES[store.spec.features].node
    deviation = None
    if DEVIATION_FEATURE in names and len(windows):
        column = node_x[:, names.index(DEVIATION_FEATURE)].astype(np.float64)
        deviation = np.maximum.reduceat(column, node_ptr[:-1])
    return ControlData(
        node_x=node_x,
        node_ptr=node_ptr,
        edge_ptr=_offsets(store.edge_ptr[windows + 1] - store.edge_ptr[windows]),
        node_id=store.node_id[rows],
        label=store.label[windows],
        relative_position=store.relative_position[windows],
        interval_deviation=deviation,
    )


def window_statistics(data: ControlData) -> NDArray[np.float32]:
    """Statistics of each window for the boosted trees, without any ID.

    Returns:
        [B, 7 F + 2], float32: mean, standard deviation, minimum, maximum, 10th, 50th and 90th
        percentile (linear interpolation) of every node feature, then node and edge counts.
    """
    nodes, edges = np.diff(data.node_ptr), np.diff(data.edge_ptr)
    windows, features = len(nodes), data.node_x.shape[1]
    if not windows:
        return np.zeros((0, 7 * features + 2), np.float32)
    if not nodes.all():
        raise ValueError(f"window {int(np.argmin(nodes))} has no nodes; each needs at least one")
    first, count = data.node_ptr[:-1], nodes[:, None]
    x = data.node_x.astype(np.float64)
    mean = np.add.reduceat(x, first, axis=0) / count
    square = np.square(x - np.repeat(mean, nodes, axis=0))
    deviation = np.sqrt(np.add.reduceat(square, first, axis=0) / count)
    columns = [
        mean,
        deviation,
        np.minimum.reduceat(data.node_x, first, axis=0),
        np.maximum.reduceat(data.node_x, first, axis=0),
        _percentiles(data.node_x, data.node_ptr),
        nodes[:, None],
        edges[:, None],
    ]
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _percentiles(x: NDArray[np.float32], ptr: NDArray[np.int64]) -> NDArray[np.float32]:
    """`PERCENTILES` of each feature over each window's nodes [B, 3 F].

    Windows of similar size are padded to one dense block and sorted together: one pass per
    block, none per window.
    """
    counts = np.diff(ptr)
    order = np.argsort(counts, kind="stable")
    result = np.empty((len(counts), len(PERCENTILES) * x.shape[1]), np.float32)
    step = max(1, _DENSE_CELLS // max(1, int(counts.max()) * x.shape[1]))
    for start in range(0, len(order), step):
        block = order[start : start + step]
        result[block] = _percentiles_of_block(x, ptr[block], counts[block])
    return result


def _percentiles_of_block(
    x: NDArray[np.float32], first: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float32]:
    windows, widest, features = len(counts), int(counts.max()), x.shape[1]
    at = np.arange(widest)
    rows = first[:, None] + np.minimum(at, counts[:, None] - 1)
    dense = np.where((at < counts[:, None])[..., None], x[rows], np.float32(np.inf))
    ranked = np.sort(dense.transpose(0, 2, 1), axis=2)
    place = np.multiply.outer(counts - 1, PERCENTILES)  # [windows, 3]
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, counts[:, None] - 1)
    weight = (place - low)[:, None, :].astype(np.float32)
    below = np.take_along_axis(ranked, np.repeat(low[:, None, :], features, 1), axis=2)
    above = np.take_along_axis(ranked, np.repeat(high[:, None, :], features, 1), axis=2)
    values = below + weight * (above - below)  # [windows, F, 3]
    return np.asarray(values.transpose(0, 2, 1).reshape(windows, -1), dtype=np.float32)


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
