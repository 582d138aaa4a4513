"""What the windows of a stream show of each ID, added up as they come.

A window costs the same however many there were: sums stay where they are, and only who asks what
was shown gets the IDs in order.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from can_train.alarms.sightings import Sighting, Sign
from can_train.alarms.suspects import Shown

_FIRST_IDS: Final = 64


class SightingSums:
    """Sums of sightings by ID, each in the order in which it came."""

    def __init__(self) -> None:
        self._row: dict[int, int] = {}
        self._count = np.zeros(_FIRST_IDS, np.int64)
        self._total = np.zeros((_FIRST_IDS, len(Sign)))

    def __len__(self) -> int:
        """Distinct IDs so far."""
        return len(self._row)

    def add(self, sighting: Sighting) -> None:
        """Takes what a window shows; none of its IDs stands there twice."""
        row = self._row
        ids = sighting.node_id.tolist()
        rows = np.array([row.setdefault(each, len(row)) for each in ids], np.intp)
        self._reserve(len(row))
        self._count[rows] += 1
        self._total[rows] += sighting.x

    def means(self, windows: int, duration_s: float) -> Shown:
        """What so many windows showed, which lasted so long in all; without deviations."""
        ids = np.fromiter(self._row, np.uint32, len(self._row))
        order = np.argsort(ids)
        count = self._count[order]
        return Shown(
            ids=ids[order],
            count=count,
            mean=self._total[order] / count[:, None],
            deviation=np.zeros((len(ids), len(Sign))),
            windows=windows,
            duration_s=duration_s,
        )

    def _reserve(self, ids: int) -> None:
        """Makes room for so many IDs; twice as much, so that it seldom happens."""
        have = len(self._count)
        if ids > have:
            more = 2 * ids - have
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            self._total = np.concatenate([self._total, np.zeros((more, len(Sign)))])
