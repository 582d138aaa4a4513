"""From packed store to model input: gathers windows, scales features, looks IDs up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.graphs.batch import GraphBatch
from can_train.graphs.scaling import SCALED_LIMIT, FeatureScaler, IdVocabulary
from can_train.graphs.store import GraphStore, rows_of


class GraphFeed:
    """Makes `GraphBatch`es from the windows of one store.

    Args:
        store: Packed graphs.
        scaler: Scaling that belongs to the model which will see the batches.
        vocabulary: ID vocabulary of that model.
    """

    def __init__(
        self, store: GraphStore, *, scaler: FeatureScaler, vocabulary: IdVocabulary
    ) -> None:
        self.store = store
        self.scaler = scaler
        self.vocabulary = vocabulary
        self._label = store.label.astype(np.int64)

    def batch(self, windows: NDArray[np.int64]) -> GraphBatch:
        """The graphs of `windows` [B] as one batch, without a loop over windows."""
        store = self.store
        nodes = rows_of(store.node_ptr, windows)
        edges = rows_of(store.edge_ptr, windows)
        node_counts = store.node_ptr[windows + 1] - store.node_ptr[windows]
        edge_counts = store.edge_ptr[windows + 1] - store.edge_ptr[windows]
        first = np.repeat(np.cumsum(node_counts) - node_counts, edge_counts)
        edge_index = np.stack([store.edge_source[edges] + first, store.edge_target[edges] + first])
        return GraphBatch(
            x=_scaled(store.node_x[nodes], self.scaler.node_mean, self.scaler.node_scale),
            id_index=torch.from_numpy(self.vocabulary.index(store.node_id[nodes])),
            edge_index=torch.from_numpy(edge_index),
            edge_attr=_scaled(store.edge_x[edges], self.scaler.edge_mean, self.scaler.edge_scale),
            batch=torch.from_numpy(np.repeat(np.arange(len(windows)), node_counts)),
            num_graphs=len(windows),
            y=torch.from_numpy(self._label[windows]),
            window=torch.from_numpy(windows),
        )

    def batches(self, windows: NDArray[np.int64], size: int) -> Iterator[GraphBatch]:
        """All of `windows`, in order, `size` at a time."""
        for begin in range(0, len(windows), size):
            yield self.batch(windows[begin : begin + size])


def _scaled(
    x: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> Tensor:
    return torch.from_numpy(np.clip((x - mean) / scale, -SCALED_LIMIT, SCALED_LIMIT))
