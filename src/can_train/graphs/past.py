"""What is remembered of every ID and of the bus, and what a frame is compared in: the columns."""

from __future__ import annotations

from enum import auto, unique
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.features import Column


@unique
class FrameColumn(Column):
    """Columns of the per-frame state, float32. PERIOD is the ID's past mean interval [s]."""

    LOG_RATIO = auto()
    Z_SCORE = auto()
    VARIATION = auto()
    BITS_CHANGED = auto()
    BITS_SURPRISE = auto()
    NEW_BITS = auto()
    DLC_CHANGED = auto()
    NOVELTY = auto()
    DENSITY = auto()
    PERIOD = auto()
    EARLINESS = auto()


@unique
class WindowColumn(Column):
    """Columns of the per-window state, float32: expected frame gap [s], share of missing IDs."""

    BUS_GAP = auto()
    MISSING_SHARE = auto()


@unique
class NumberColumn(Column):
    """What is remembered of each ID in float64: times and intervals in seconds.

    PAIR_T is the time of the frame before the last one. ON_TIME is the share of late that two
    intervals together took as long as two periods; LATENESS, how many periods frames were late that
    later ones haven't made good, and LATENESS_BEFORE the same an interval ago.
    """

    LAST_T = auto()
    MEAN = auto()
    VARIANCE = auto()
    BITS_MEAN = auto()
    FIRST_T = auto()
    PAIR_T = auto()
    ON_TIME = auto()
    LATENESS = auto()
    LATENESS_BEFORE = auto()


@unique
class CountColumn(Column):
    """What is remembered of each ID in int64; LATE: whether it first came after the warm-up."""

    SEEN = auto()
    INTERVALS = auto()
    LAST_DLC = auto()
    LATE = auto()


@unique
class BitsColumn(Column):
    """What is remembered of each ID in payload words: the last ones, and bits that ever changed."""

    LAST_PAYLOAD = auto()
    CHANGED_MASK = auto()


@unique
class BusColumn(Column):
    """What is remembered of the bus in float64.

    ESTABLISHED: IDs seen often enough to be missed. TOGETHER: share of frames with the stamp of the
    frame before.
    """

    START = auto()
    LAST = auto()
    MEAN = auto()
    COUNT = auto()
    ESTABLISHED = auto()
    TOGETHER = auto()


class FrameChunk(NamedTuple):
    """The next n frames of a recording.

    Attributes:
        timestamps: [n], seconds.
        slots: Slot of each frame's ID [n], int32.
        payloads: Payload as 64-bit words [n, P / 8], uint64.
        dlcs: [n], uint8.
    """

    timestamps: NDArray[np.float64]
    slots: NDArray[np.int32]
    payloads: NDArray[np.uint64]
    dlcs: NDArray[np.uint8]


class History(NamedTuple):
    """What is remembered of S slots and of the bus.

    Attributes:
        numbers: `NumberColumn`s [S, 9], float64.
        counts: `CountColumn`s [S, 4], int64.
        bits: `BitsColumn`s of each payload word [S, 2, P / 8], uint64.
        bus: `BusColumn`s [6], float64.
        established: Slots seen often enough to be missed, in that order [S], int32.
    """

    numbers: NDArray[np.float64]
    counts: NDArray[np.int64]
    bits: NDArray[np.uint64]
    bus: NDArray[np.float64]
    established: NDArray[np.int32]


class WindowEnds(NamedTuple):
    """Which frames end a window: `first`, and every `stride` frames; `offset` were seen before."""

    offset: int
    first: int
    stride: int
