"""What a run sees of its dataset, in numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.splits import SIDES, UNUSED, windows_on
from can_train.dataset.windows import DatasetWindows
from can_train.graphs.store import GraphStore
from can_train.runs.events import DatasetStatistics, SideStatistics, Spread


def dataset_statistics(inputs: DatasetWindows) -> DatasetStatistics:
    """Windows, classes and kinds of attack by side, sizes of graphs, and what sides share."""
    store, sides = inputs.store, inputs.sides
    used = np.flatnonzero(sides != UNUSED)
    present = (side for side in SIDES if SIDES.index(side) in sides)
    return DatasetStatistics(
        sides={side: _side(store, windows_on(sides, [side])) for side in present},
        nodes=_spread(np.diff(store.node_ptr)[used]),
        edges=_spread(np.diff(store.edge_ptr)[used]),
        shared_frames=shared_frames(store, sides),
    )


def shared_frames(store: GraphStore, sides: NDArray[np.int8]) -> int:
    """Frames that windows of different sides have in common; each pair of neighbours counts.

    All windows are equally long. So if two sides share a frame, two windows that are neighbours in
    the order of their first frames do.

    Args:
        store: Graphs of all recordings.
        sides: Side of each window [B].
    """
    used = np.flatnonzero(sides != UNUSED)
    ordered = used[np.lexsort((store.start[used], store.recording[used]))]
    first, then = ordered[:-1], ordered[1:]
    apart = (sides[first] != sides[then]) & (store.recording[first] == store.recording[then])
    common = store.start[first] + store.spec.window - store.start[then]
    return int(np.maximum(common, 0)[apart].sum())


def _side(store: GraphStore, windows: NDArray[np.int64]) -> SideStatistics:
    attacks = windows[store.attack_fraction[windows] > 0]
    counts = np.bincount(store.recording[attacks], minlength=len(store.recordings))
    kinds: dict[str, int] = {}
    for recording, count in zip(store.recordings, counts.tolist(), strict=True):
        if count:
            kinds[recording.attack_kind] = kinds.get(recording.attack_kind, 0) + count
    return SideStatistics(windows=len(windows), attacks=len(attacks), attack_kinds=kinds)


def _spread(counts: NDArray[np.int64]) -> Spread:
    return Spread(
        mean=round(float(counts.mean()), 2),
        p95=round(float(np.percentile(counts, 95)), 2),
        max=int(counts.max()),
    )
