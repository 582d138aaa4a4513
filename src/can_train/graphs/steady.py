"""A clock that goes on steadily, whatever the recorder's does, frame by frame and causally.

An ordinary recording keeps its timestamps to the last bit. Where the recorder's clock is set,
begins anew or gives one stray stamp, or the whole bus is silent, the frames go on at the bus's
usual gap, so that what is remembered of every ID and of the bus stays what it was.
"""

from __future__ import annotations

from enum import auto, unique
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.timing import LONGEST_STEP_BACK_S, SLOW_GAPS
from can_train.graphs.features import Column

LONGEST_SILENCE_S: Final = 0.1
"""A bus that is awake isn't silent for longer, unless it is a slow one. While a car wakes up, its
bus falls silent again and again, and no ID shall count as a slow one for that."""

_MEMORY_GAPS: Final = 1024
"""Gaps over which the usual one is the running mean."""


@unique
class ClockColumn(Column):
    """What is remembered of a clock in float64; OFFSET is added to stamps to make them steady.

    BEFORE_OFFSET, BEFORE: offset and steady time before the last jump. Where stamps go on from
    there, the frames in between had stray stamps.
    """

    FRAMES = auto()
    OFFSET = auto()
    LAST = auto()
    USUAL_GAP = auto()
    BEFORE_OFFSET = auto()
    BEFORE = auto()


class SteadyClock:
    """Follows the timestamps of one recording, in any cut."""

    def __init__(self) -> None:
        self.state = np.zeros(len(ClockColumn))
        self.state[ClockColumn.BEFORE] = np.nan

    def follow(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Steady times of the next frames [n]: the stamps themselves while nothing jumped."""
        steady = np.empty(len(timestamps))
        follow_clock(np.ascontiguousarray(timestamps), self.state, steady)
        return steady


@compiled()
def follow_clock(
    timestamps: NDArray[np.float64], clock: NDArray[np.float64], steady: NDArray[np.float64]
) -> None:
    """Fills `steady`, and brings the `ClockColumn`s up to date."""
    for i in range(len(timestamps)):
        stamp = timestamps[i]
        if clock[ClockColumn.FRAMES] == 0:
            clock[ClockColumn.LAST] = stamp
        steady[i] = _next(stamp, clock)
        clock[ClockColumn.LAST] = steady[i]
        clock[ClockColumn.FRAMES] = min(clock[ClockColumn.FRAMES] + 1, _MEMORY_GAPS)


@compiled()
def _next(stamp: float, clock: NDArray[np.float64]) -> float:
    """Steady time of a frame; remembers a jump, and what the usual gap is."""
    usual, last = clock[ClockColumn.USUAL_GAP], clock[ClockColumn.LAST]
    longest = max(LONGEST_SILENCE_S, SLOW_GAPS * usual)
    now = stamp + clock[ClockColumn.OFFSET]
    gap = now - last
    # Learnt from a jump as well, up to a bound: so the first gaps of a slow recording count.
    learnt = min(max(gap, 0.0), longest)
    clock[ClockColumn.USUAL_GAP] += (learnt - usual) / max(clock[ClockColumn.FRAMES], 1.0)
    if -LONGEST_STEP_BACK_S <= gap <= longest:
        if gap > LONGEST_STEP_BACK_S:
            clock[ClockColumn.BEFORE_OFFSET] = clock[ClockColumn.OFFSET]
            clock[ClockColumn.BEFORE] = last
        return float(now)
    returned = stamp + clock[ClockColumn.BEFORE_OFFSET]
    if -LONGEST_STEP_BACK_S <= returned - clock[ClockColumn.BEFORE] <= longest:
        clock[ClockColumn.OFFSET] = clock[ClockColumn.BEFORE_OFFSET]
        return float(returned)
    clock[ClockColumn.BEFORE_OFFSET] = clock[ClockColumn.OFFSET]
    clock[ClockColumn.BEFORE] = last
    clock[ClockColumn.OFFSET] += last + usual - now
    return float(last + usual)
