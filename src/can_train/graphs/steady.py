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

from can_train.compiled import borrowed, compiled
from can_train.frames.timing import LONGEST_STEP_BACK_S, SLOW_GAPS
from can_train.graphs.features import Column

LONGEST_SILENCE_S: Final = 0.1
"""A bus that is awake isn't silent for longer, unless it is a slow one. While a car wakes up, its
bus falls silent again and again, and no ID shall count as a slow one for that."""

_MEMORY_GAPS: Final = 1024
"""Gaps over which the usual one is the running mean; a power of two."""

_SHARE: Final = 1.0 / _MEMORY_GAPS

_ORDINARY_S: Final = min(LONGEST_SILENCE_S, LONGEST_STEP_BACK_S)
"""Steps up to this, forward or back, are neither a jump nor a silence on any bus."""


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
    clock = borrowed(clock)
    begin = 0
    while begin < len(timestamps):
        begin = _follow_ordinary(timestamps, begin, clock, steady)
        if begin < len(timestamps):
            steady[begin] = _next(timestamps[begin], clock)
            clock[ClockColumn.LAST] = steady[begin]
            clock[ClockColumn.FRAMES] = min(clock[ClockColumn.FRAMES] + 1, _MEMORY_GAPS)
            begin += 1


@compiled()
def _follow_ordinary(
    timestamps: NDArray[np.float64],
    begin: int,
    clock: NDArray[np.float64],
    steady: NDArray[np.float64],
) -> int:
    """The same as `_next` for frames from `begin` on, up to the first behind a jump or a silence.

    What is remembered stays in registers, and the mean's division is one only while it is young:
    each frame waits for what the one before it has left.
    """
    frames, offset = clock[ClockColumn.FRAMES], clock[ClockColumn.OFFSET]
    last, usual = clock[ClockColumn.LAST], clock[ClockColumn.USUAL_GAP]
    i = begin
    while i < len(timestamps):
        now = timestamps[i] + offset
        gap = now - last if frames else 0.0
        if not -_ORDINARY_S <= gap <= _ORDINARY_S:
            break
        error = max(gap, 0.0) - usual
        # Exactly the quotient: the horizon is a power of two.
        usual += error * _SHARE if frames == _MEMORY_GAPS else error / max(frames, 1.0)
        frames = min(frames + 1, _MEMORY_GAPS)
        steady[i] = last = now
        i += 1
    clock[ClockColumn.FRAMES] = frames
    clock[ClockColumn.LAST], clock[ClockColumn.USUAL_GAP] = last, usual
    return i


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
