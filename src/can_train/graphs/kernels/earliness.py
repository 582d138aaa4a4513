"""How early a frame of a regular ID comes, by two of its intervals (docs/decisions/0024)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.graphs.past import BusColumn, CountColumn, FrameColumn, NumberColumn

FEWEST_INTERVALS: Final = 4
"""Of an ID, from which on it has a period."""

QUICK_S: Final = 0.055
"""Periods (50 ms and less) of IDs of which it counts how early they are: slower ones are often sent
on events, too."""

EARLY: Final = 0.25
"""A frame that is put into the first half of a period makes itself so early, and one in the second
half the next genuine frame: by less, or more, it would be missed or counted twice."""

ON_TIME: Final = 0.1
"""Two intervals are on time within a tenth of two periods."""

REGULAR: Final = 0.6
"""An ID is regular while so many of its pairs of intervals are on time."""

PAIR_MEMORY_FRAMES: Final = 256
"""Horizon of that share."""

KEPT_LATENESS: Final = 0.95
MOST_LATENESS: Final = 8.0
"""Periods by which frames were late count against the next ones that come early, whoever held them
up, and are forgotten within some twenty frames."""

TOGETHER: Final = 0.3
TOGETHER_FRAMES: Final = 1024
"""Where more frames have the stamp of the frame before, the recorder's clock is too coarse to tell
whether one comes early."""


@compiled(inline=True)
def follow_rhythm(
    row: NDArray[np.float32],
    numbers: NDArray[np.float64],
    counts: NDArray[np.int64],
    bus: NDArray[np.float64],
    now: float,
) -> None:
    """By which share of two periods two intervals of a regular ID are shorter: an extra frame.

    Two, since a frame that is merely held up makes the next interval as much too short as its own
    was too long, while one that is put in makes both short. What it comes between counts once: the
    frame before is forgotten, so that the genuine frames that follow are on time again.

    Args:
        row: `FrameColumn`s of the frame; EARLINESS is filled.
        numbers: `NumberColumn`s of its ID before the frame; its rhythm is brought up to date.
        counts: `CountColumn`s of its ID before the frame.
        bus: `BusColumn`s.
        now: Time of the frame [s].
    """
    intervals, mean = counts[CountColumn.INTERVALS], numbers[NumberColumn.MEAN]
    extra = False
    if intervals > FEWEST_INTERVALS and mean > 0.0:
        pair = (now - numbers[NumberColumn.PAIR_T]) / (2.0 * mean)
        regular = numbers[NumberColumn.ON_TIME] > REGULAR and mean <= QUICK_S
        if regular and bus[BusColumn.TOGETHER] < TOGETHER:
            early = 1.0 - pair - numbers[NumberColumn.LATENESS_BEFORE] / 2.0
            row[FrameColumn.EARLINESS] = min(max(early, 0.0), 1.0)
            extra = early > EARLY
        late = numbers[NumberColumn.LATENESS]
        numbers[NumberColumn.LATENESS_BEFORE] = late
        late = late * KEPT_LATENESS + (now - numbers[NumberColumn.LAST_T]) / mean - 1.0
        numbers[NumberColumn.LATENESS] = min(max(late, 0.0), MOST_LATENESS)
        weight = 1.0 / min(intervals + FEWEST_INTERVALS, PAIR_MEMORY_FRAMES)
        on_time = 1.0 if abs(pair - 1.0) <= ON_TIME else 0.0
        numbers[NumberColumn.ON_TIME] += weight * (on_time - numbers[NumberColumn.ON_TIME])
    if not extra:
        numbers[NumberColumn.PAIR_T] = numbers[NumberColumn.LAST_T]
