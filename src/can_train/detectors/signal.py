"""A teacher's stored outputs, looked up for the windows or nodes of a batch.

The teacher itself isn't here: it is never part of the student's module, optimiser or file, and its
memory is free while the student trains.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.graphs.batch import GraphBatch
from can_train.graphs.store import GraphStore, rows_of


class WindowRows:
    """Rows of per-window and per-node arrays that were stored for certain windows.

    Args:
        store: The store that the windows are of.
        windows: Windows in the order of the arrays.
    """

    def __init__(self, store: GraphStore, windows: NDArray[np.int64]) -> None:
        # Far outside for windows without a teacher signal, so that a look-up fails.
        self._row = np.full(len(store), len(store) + 1)
        self._row[windows] = np.arange(len(windows))
        counts = store.node_ptr[windows + 1] - store.node_ptr[windows]
        self._ptr = np.concatenate([[0], np.cumsum(counts)])

    def of_windows(self, array: NDArray[np.float32], batch: GraphBatch) -> Tensor:
        """Rows [B, D] of a per-window array for the windows of `batch`."""
        return _taken(array, self._rows(batch), batch.x.device)

    def of_nodes(self, array: NDArray[np.float32], batch: GraphBatch) -> Tensor:
        """Rows [N, D] of a per-node array for the nodes of `batch`, in its order."""
        return _taken(array, rows_of(self._ptr, self._rows(batch)), batch.x.device)

    def _rows(self, batch: GraphBatch) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = self._row[batch.window.cpu().numpy()]
        return rows


def _taken(array: NDArray[np.float32], rows: NDArray[np.int64], device: torch.device) -> Tensor:
    """Rows of a memory-mapped array as a tensor of their own."""
    return torch.from_numpy(np.asarray(array[rows])).to(device)
