"""How an epoch's windows are cut into batches: by their number, and by a budget of their sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSizes:
    """How large B windows are.

    Attributes:
        nodes: Nodes of each [B], int64.
        edges: Edges of each [B], int64.
    """

    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBudget:
    """The most that a batch may hold.

    Attributes:
        windows: Windows.
        nodes, edges: Nodes and edges of all of them; None: any number.
    """

    windows: int
    nodes: int | None = None
    edges: int | None = None

    def halved(self) -> BatchBudget | None:
        """Half of it; None where it is one window already."""
        if self.windows < 2:
            return None
        return BatchBudget(
            windows=self.windows // 2,
            nodes=None if self.nodes is None else max(1, self.nodes // 2),
            edges=None if self.edges is None else max(1, self.edges // 2),
        )

    def cuts(self, sizes: WindowSizes) -> NDArray[np.int64]:
        """Where each batch begins, and B [batches + 1], int64.

        Args:
            sizes: Windows in the order in which they are trained on; a batch takes as many of them
                as fit, and one that is larger than the budget comes alone.
        """
        count = len(sizes.nodes)
        if self.nodes is None and self.edges is None:
            return np.append(np.arange(0, count, self.windows), count)
        of_windows = np.minimum(np.arange(count) + self.windows, count)
        ends = np.minimum(of_windows, _ends(sizes.nodes, self.nodes))
        ends = np.minimum(ends, _ends(sizes.edges, self.edges))
        ends = np.maximum(ends, np.arange(count) + 1)
        found = [0]
        while found[-1] < count:  # over batches, not over windows
            found.append(int(ends[found[-1]]))
        return np.array(found, dtype=np.int64)


def _ends(sizes: NDArray[np.int64], most: int | None) -> NDArray[np.int64]:
    """Behind the last window of a batch that begins at each window [B], int64."""
    if most is None:
        return np.full(len(sizes), len(sizes), dtype=np.int64)
    summed = np.concatenate([[0], np.cumsum(sizes)])
    return np.searchsorted(summed, summed[:-1] + most, side="right") - 1
