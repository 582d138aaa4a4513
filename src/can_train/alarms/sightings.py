"""What windows show of each ID: the node features that tell who is involved in an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import auto, unique
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.columns import PackedGraphs, first_rows
from can_train.graphs.features import Column, RelationalNode
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore, rows_of


@unique
class Sign(Column):
    """Columns of `Sightings.x`; what they mean stands beside the features of the same name."""

    INTERVAL_LOG_RATIO_MIN = auto()
    INTERVAL_Z_ABS_MAX = auto()
    BITS_SURPRISE_MAX = auto()
    NEW_BITS_MAX = auto()
    BITS_CHANGED_MEAN = auto()
    DLC_CHANGED = auto()
    NOVELTY = auto()
    COUNT_LOG_RATIO = auto()
    SHARE_OF_FRAMES = auto()


_FEATURES: Final = np.array([RelationalNode[sign.name] for sign in Sign])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sightings:
    """IDs in B windows of one recording by time, N sightings in all.

    Attributes:
        node_ptr: First sighting of each window, and N [B + 1], int64.
        node_id: Arbitration IDs [N], uint32.
        x: Features, unscaled; columns are `Sign`s [N, 9], float32.
        window: Frames per window.
    """

    node_ptr: NDArray[np.int64]
    node_id: NDArray[np.uint32]
    x: NDArray[np.float32]
    window: int

    def __len__(self) -> int:
        """B."""
        return len(self.node_ptr) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sighting:
    """What one window shows of each ID.

    Attributes:
        node_id: Arbitration IDs [K], uint32.
        x: Features, unscaled; columns are `Sign`s [K, 9], float32.
    """

    node_id: NDArray[np.uint32]
    x: NDArray[np.float32]

    @classmethod
    def of(cls, node_id: NDArray[np.uint32], node_x: NDArray[np.float32]) -> Sighting:
        """Of the nodes of a graph with `relational` features; a copy."""
        return cls(node_id=node_id.copy(), x=node_x[:, _FEATURES])


def sightings_of(
    graphs: GraphStore | PackedGraphs, windows: NDArray[np.int64], spec: WindowSpec
) -> Sightings | None:
    """What `windows` show of each ID, or None with features that know no past (`classic`).

    Args:
        graphs: Stored graphs, or those that were just built.
        windows: Windows of one recording by time [B].
        spec: How the recording became graphs.
    """
    if spec.features != "relational":
        return None
    rows = rows_of(graphs.node_ptr, windows)
    return Sightings(
        node_ptr=first_rows(graphs.node_ptr[windows + 1] - graphs.node_ptr[windows]),
        node_id=np.asarray(graphs.node_id[rows]),
        x=np.asarray(graphs.node_x[rows][:, _FEATURES]),
        window=spec.window,
    )


def joined_sightings(parts: Sequence[Sightings]) -> Sightings:
    """Consecutive parts of one recording, at least one, as a whole."""
    counts = np.concatenate([np.diff(part.node_ptr) for part in parts])
    return Sightings(
        node_ptr=first_rows(counts),
        node_id=np.concatenate([part.node_id for part in parts]),
        x=np.concatenate([part.x for part in parts]),
        window=parts[0].window,
    )
