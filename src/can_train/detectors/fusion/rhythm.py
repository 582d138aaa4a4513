"""The third expert of a fusion: a rule on the rhythm of IDs, which no training can spoil."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.graphs.batch import RawGraphs
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.features import FEATURE_NAMES, RelationalNode
from can_train.graphs.kernels.earliness import EARLY
from can_train.graphs.store import GraphStore, rows_of


def rhythm(graphs: RawGraphs) -> Tensor:
    """How far the earliest frame of each window is beyond `EARLY`, in units of it [B], float64.

    -1 where no frame is early, or the features know nothing of time (`classic`).
    """
    earliest = torch.zeros(graphs.num_graphs, dtype=torch.float64, device=graphs.node_x.device)
    if _knows_rhythm(graphs.node_x.shape[1]):
        early = graphs.node_x[:, RelationalNode.EARLINESS].double()
        earliest = earliest.scatter_reduce(0, graphs.batch, early, "amax")
    return earliest / EARLY - 1.0


def rhythm_in(store: GraphStore | PackedGraphs, windows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same of windows [B] of a store, float64."""
    if not _knows_rhythm(store.node_x.shape[1]) or not len(windows):
        return np.full(len(windows), -1.0)
    counts = store.node_ptr[windows + 1] - store.node_ptr[windows]
    early = store.node_x[rows_of(store.node_ptr, windows), RelationalNode.EARLINESS]
    earliest = np.maximum.reduceat(early, np.cumsum(counts) - counts).astype(np.float64)
    return np.asarray(earliest / EARLY - 1.0)


def _knows_rhythm(node_channels: int) -> bool:
    return node_channels == len(FEATURE_NAMES["relational"].node)
