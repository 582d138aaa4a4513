"""ID vocabulary and feature scaling, fitted on benign training windows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.store import GraphStore, rows_of

SMALLEST_SCALE: Final = 0.05
"""Features that are (nearly) constant in benign traffic are scaled as if this were their std."""

SCALED_LIMIT: Final = 10.0
"""Scaled features are clipped here, so that no single outlier rules a window."""

AT_ONCE: Final = 2048
"""Windows whose rows are in memory at a time when moments are fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureScaler:
    """Standardisation z = clip((x - mean) / scale, -10, 10) of node and edge features.

    Attributes:
        node_mean: [F], float32.
        node_scale: [F], float32.
        edge_mean: [G], float32.
        edge_scale: [G], float32.
    """

    node_mean: NDArray[np.float32]
    node_scale: NDArray[np.float32]
    edge_mean: NDArray[np.float32]
    edge_scale: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdVocabulary:
    """Known arbitration IDs; index 0 stands for every other one.

    Attributes:
        ids: Sorted, distinct IDs [V - 1], uint32.
    """

    ids: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.ids) + 1

    def index(self, arbitration_id: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Index of each ID [n] in the vocabulary, int64; 0 for unknown IDs."""
        at = np.searchsorted(self.ids, arbitration_id)
        at[at == len(self.ids)] = 0
        known = self.ids[at] == arbitration_id if len(self.ids) else np.zeros(len(at), np.bool_)
        return np.where(known, at + 1, 0).astype(np.int64)


def fit_scaler(store: GraphStore, benign_windows: NDArray[np.int64]) -> FeatureScaler:
    """Mean and standard deviation over all nodes and edges of `benign_windows`."""
    node_mean, node_scale = _moments(store.node_x, store.node_ptr, benign_windows)
    edge_mean, edge_scale = _moments(store.edge_x, store.edge_ptr, benign_windows)
    return FeatureScaler(
        node_mean=node_mean, node_scale=node_scale, edge_mean=edge_mean, edge_scale=edge_scale
    )


def fit_vocabulary(store: GraphStore, benign_windows: NDArray[np.int64]) -> IdVocabulary:
    """IDs that occur in `benign_windows`."""
    return IdVocabulary(ids=np.unique(store.node_id[rows_of(store.node_ptr, benign_windows)]))


def _moments(
    x: NDArray[np.float32], ptr: NDArray[np.int64], windows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean, then deviation from it, in float64, some windows at a time."""
    parts = [windows[at : at + AT_ONCE] for at in range(0, len(windows), AT_ONCE)]
    count = int((ptr[windows + 1] - ptr[windows]).sum())
    mean = np.sum([_sum(x[rows_of(ptr, part)]) for part in parts], axis=0) / count
    square = np.sum([_sum((x[rows_of(ptr, part)] - mean) ** 2) for part in parts], axis=0)
    scale = np.maximum(np.sqrt(square / count), SMALLEST_SCALE)
    return mean.astype(np.float32), scale.astype(np.float32)


def _sum(x: NDArray[np.floating]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = x.sum(axis=0, dtype=np.float64)
    return total
