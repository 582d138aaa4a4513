"""From packed store to batches: gathers windows, scales features, looks IDs up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from can_train.graphs.batch import GraphBatch, RawGraphs
from can_train.graphs.columns import PackedGraphs
from can_train.graphs.kernels.joining import Scaling, StoredGraphs, joined
from can_train.graphs.scaling import SCALED_LIMIT, FeatureScaler, IdVocabulary
from can_train.graphs.store import GraphStore, rows_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gathered:
    """Rows of the nodes and edges of B windows, and where each edge and node belongs."""

    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]
    edge_index: Tensor
    batch: Tensor


def raw_graphs(graphs: GraphStore | PackedGraphs, windows: NDArray[np.int64]) -> RawGraphs:
    """The graphs of `windows` as tensors, as a detector takes them.

    Args:
        graphs: Stored graphs, or those that were just built.
        windows: Indices of windows [B], int64, any order; joined without a loop over them.
    """
    found = _gathered(graphs, windows)
    return RawGraphs(
        node_x=torch.from_numpy(graphs.node_x[found.nodes]),
        node_id=torch.from_numpy(graphs.node_id[found.nodes].astype(np.int64)),
        edge_x=torch.from_numpy(graphs.edge_x[found.edges]),
        edge_index=found.edge_index,
        batch=found.batch,
        num_graphs=len(windows),
    )


class GraphFeed:
    """Makes `GraphBatch`es from the windows of one store.

    Args:
        store: Packed graphs.
        scaler: Scaling that belongs to the network which will see the batches.
        vocabulary: ID vocabulary of that network.

    Raises:
        ValueError: The store has other features than those that are scaled.
    """

    def __init__(
        self, store: GraphStore, *, scaler: FeatureScaler, vocabulary: IdVocabulary
    ) -> None:
        widths = (store.node_x.shape[1], store.edge_x.shape[1])
        scaled = (len(scaler.node_mean), len(scaler.edge_mean))
        if widths != scaled:  # compiled loops would read what lies beside
            raise ValueError(f"features of nodes and edges: {widths} stored, {scaled} scaled")
        self.store = store
        self.scaler = scaler
        self.vocabulary = vocabulary
        self._label = store.label.astype(np.int64)
        # What is mapped into memory is of a class that numba looks at anew in each call.
        self._graphs = StoredGraphs(
            np.asarray(store.node_x), np.asarray(store.node_id), np.asarray(store.node_ptr),
            np.asarray(store.edge_x), np.asarray(store.edge_source),
            np.asarray(store.edge_target), np.asarray(store.edge_ptr),
        )  # fmt: skip
        self._scaling = Scaling(
            scaler.node_mean, scaler.node_scale, scaler.edge_mean, scaler.edge_scale,
            np.float32(SCALED_LIMIT), vocabulary.ids,
        )  # fmt: skip

    def batch(self, windows: NDArray[np.int64]) -> GraphBatch:
        """The graphs of `windows` [B] as one batch.

        Raises:
            IndexError: There is no such window; compiled loops wouldn't notice.
        """
        label = self._label[windows]
        if len(windows) and windows.min() < 0:
            raise IndexError(f"window {windows.min()}")
        found = joined(self._graphs, windows, self._scaling)
        return GraphBatch(
            x=torch.from_numpy(found.x),
            id_index=torch.from_numpy(found.id_index),
            edge_index=torch.from_numpy(found.edge_index),
            edge_attr=torch.from_numpy(found.edge_attr),
            batch=torch.from_numpy(found.batch),
            num_graphs=len(windows),
            y=torch.from_numpy(label),
            window=torch.from_numpy(windows),
        )

    def batches(self, windows: NDArray[np.int64], size: int) -> Iterator[GraphBatch]:
        """All of `windows`, in order, `size` at a time."""
        for begin in range(0, len(windows), size):
            yield self.batch(windows[begin : begin + size])


def _gathered(graphs: GraphStore | PackedGraphs, windows: NDArray[np.int64]) -> _Gathered:
    node_ptr, edge_ptr = graphs.node_ptr, graphs.edge_ptr
    nodes, edges = rows_of(node_ptr, windows), rows_of(edge_ptr, windows)
    node_counts = node_ptr[windows + 1] - node_ptr[windows]
    edge_counts = edge_ptr[windows + 1] - edge_ptr[windows]
    first = np.repeat(np.cumsum(node_counts) - node_counts, edge_counts)
    edge_index = np.stack([graphs.edge_source[edges] + first, graphs.edge_target[edges] + first])
    return _Gathered(
        nodes=nodes,
        edges=edges,
        edge_index=torch.from_numpy(edge_index),
        batch=torch.from_numpy(np.repeat(np.arange(len(windows)), node_counts)),
    )
