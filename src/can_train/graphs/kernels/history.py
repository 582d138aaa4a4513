"""Jitted pass that compares each frame with its ID's own past, and adds it to that past.

An attacker can't rewrite the past: once an ID has been seen often enough, a frame moves its means
by a bounded amount (Huber, Robust Statistics, 1981, chapter 3; docs/decisions/0005).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.graphs.kernels.earliness import TOGETHER_FRAMES, follow_rhythm
from can_train.graphs.past import (
    BitsColumn,
    BusColumn,
    CountColumn,
    FrameChunk,
    FrameColumn,
    History,
    NumberColumn,
    WindowColumn,
    WindowEnds,
)

WARM_UP_S: Final = 5.0
"""Seconds of a recording in which every ID is new and novelty says nothing."""

NOVELTY_FRAMES: Final = 20
NOVELTY_S: Final = 5.0
"""An ID stops being new once it was seen both this often and for this long."""

MEMORY_FRAMES: Final = 4096
"""Running means forget with this horizon, so that no count grows with the recording."""

BUS_MEMORY_FRAMES: Final = 65_536
MIN_HISTORY: Final = 4
"""Intervals of an ID needed before it is compared with its past."""

PERIODIC_VARIATION: Final = 0.3
"""An ID counts as periodic while std / mean of its intervals is below this."""

OVERDUE_PERIODS: Final = 3.0
OVERDUE_LIMIT_S: Final = 10.0
"""A periodic ID is missing from 3 periods after it was due until 10 s later (saturation)."""

SHORTEST_PERIOD_S: Final = 4e-3
"""No ID counts for more than 250 frames per second of the bus's expected rate: so many control
units send at most, and a flood sends more."""

LONGEST_GAP_S: Final = 1.0
"""A longer silence of the bus is a pause of the recording, and no gap."""

SPREAD_FRAMES: Final = 512
"""Horizon of an ID's deviation, shorter than that of its mean: how it began when its control unit
woke up is forgotten within seconds."""

ROBUST_LIMIT: Final = 3.0
ROBUST_BITS: Final = 8.0
"""An ID's past takes in at most 3 deviations (8 bits) of surprise per frame: injected frames stand
out without becoming the new normal."""

SPREAD_LIMIT: Final = 1.0
"""The deviation takes in no more than itself and the floor below, so that in spite of the shorter
horizon an attack widens it by a tenth of the period in ten seconds, and not exponentially."""

TIME_FLOOR_S: Final = 1e-5
"""Resolution of the recorders; also keeps the logarithm finite for equal timestamps."""

_JITTER_SHARE: Final = 0.05
"""Least deviation, as a share of the mean: the intervals of a strictly periodic ID deviate by
little but the recorder's resolution, and each microsecond would count as a surprise."""

_LOG_RATIO_LIMIT: Final = 6.0
"""|ln(interval / mean)|: below, equal timestamps of an ID of 4 ms already give ln(1 / 400) = -6 by
the resolution of the recorders; above, 400 periods of silence are no more than silence."""

_Z_LIMIT: Final = 8.0
"""With the least deviation this is 0.4 periods beside the schedule: how far beyond, the log ratio
tells, and a mean over the window shall not be ruled by a single frame."""

_VARIATION_LIMIT: Final = 50.0
"""Largest std / mean: the mean of a burst may be as small as the resolution."""

_PAYLOAD_BITS: Final = 64.0
"""Of a classic CAN frame, so that a CAN FD frame can change more than all of them."""

_BITS_PER_BYTE: Final = 8.0


@compiled(inline=True)
def clip(value: float, low: float, high: float) -> float:
    """`value`, or the bound that it exceeds."""
    return min(max(value, low), high)


@compiled(inline=True)
def popcount(word: np.uint64) -> np.int64:
    """Number of 1 bits (Warren, Hacker's Delight, section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled()
def _end_window(history: History, now: float, row: NDArray[np.float32]) -> None:
    """Fills the columns of a window that ends at time `now`.

    The gap that the bus should have follows from the periods of the IDs that send: at once where a
    car is switched on or off, and never from frames of a flood. Until the recording is warm, or
    where nobody sends, it is the running mean of gaps.
    """
    numbers, counts, _, bus, established = history
    rate = 0.0
    periodic = 0
    missing = 0
    for s in established[: np.int64(bus[BusColumn.ESTABLISHED])]:
        mean = numbers[s, NumberColumn.MEAN]
        is_periodic = numbers[s, NumberColumn.VARIANCE] <= (PERIODIC_VARIATION * mean) ** 2
        overdue = now - numbers[s, NumberColumn.LAST_T] - mean
        is_silent = overdue > OVERDUE_PERIODS * mean
        if not is_silent and (is_periodic or not counts[s, CountColumn.LATE]):
            rate += 1.0 / max(mean, SHORTEST_PERIOD_S)
        if is_periodic and overdue <= OVERDUE_LIMIT_S:
            periodic += 1
            missing += is_silent
    warm = now - bus[BusColumn.START] > WARM_UP_S
    row[WindowColumn.BUS_GAP] = 1.0 / rate if warm and rate > 0.0 else bus[BusColumn.MEAN]
    row[WindowColumn.MISSING_SHARE] = missing / periodic if periodic else 0.0


@compiled(inline=True)
def _interval_columns(
    row: NDArray[np.float32],
    numbers: NDArray[np.float64],
    counts: NDArray[np.int64],
    interval: float,
) -> None:
    """Compares an interval [s] with the ID's past, then adds it to the past.

    Mean and variance are exponentially weighted with weight 1 / min(n, horizon), which is the plain
    running mean until the horizon is reached (Welford's update). An interval shorter than the mean
    weighs less, in proportion: a burst lasts a moment, however many its frames are.
    """
    intervals = counts[CountColumn.INTERVALS]
    mean = numbers[NumberColumn.MEAN]
    deviation = math.sqrt(numbers[NumberColumn.VARIANCE])
    least = deviation + _JITTER_SHARE * mean + TIME_FLOOR_S
    ratio = (interval + TIME_FLOOR_S) / (mean + TIME_FLOOR_S)
    if intervals >= MIN_HISTORY:
        row[FrameColumn.LOG_RATIO] = clip(math.log(ratio), -_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT)
        row[FrameColumn.Z_SCORE] = clip((interval - mean) / least, -_Z_LIMIT, _Z_LIMIT)
        row[FrameColumn.VARIATION] = math.log1p(
            min(deviation / (mean + TIME_FLOOR_S), _VARIATION_LIMIT)
        )
        row[FrameColumn.PERIOD] = mean
    counts[CountColumn.INTERVALS] = min(intervals + 1, MEMORY_FRAMES)
    weight = 1.0 / counts[CountColumn.INTERVALS]
    spread_weight = 1.0 / min(counts[CountColumn.INTERVALS], SPREAD_FRAMES)
    error = interval - mean
    spread = error
    if intervals >= NOVELTY_FRAMES:
        error = clip(error, -ROBUST_LIMIT * least, ROBUST_LIMIT * least)
        spread = clip(error, -SPREAD_LIMIT * least, SPREAD_LIMIT * least)
        weight *= min(ratio, 1.0)
        spread_weight *= min(ratio, 1.0)
    numbers[NumberColumn.MEAN] = mean + weight * error
    numbers[NumberColumn.VARIANCE] = (1.0 - spread_weight) * (
        numbers[NumberColumn.VARIANCE] + spread_weight * spread * spread
    )


@compiled(inline=True)
def _payload_columns(
    row: NDArray[np.float32],
    numbers: NDArray[np.float64],
    counts: NDArray[np.int64],
    bits: NDArray[np.uint64],
    payload: NDArray[np.uint64],
    warm: bool,
) -> None:
    """Counts bits that changed since the ID's last frame, and those that never did before.

    While the recording warms up every change is a first one, which would tell nothing but where
    in the recording the frame lies.
    """
    changed = np.int64(0)
    new = np.int64(0)
    for k in range(len(payload)):
        difference = payload[k] ^ bits[BitsColumn.LAST_PAYLOAD, k]
        changed += popcount(difference)
        new += popcount(difference & ~bits[BitsColumn.CHANGED_MASK, k])
        bits[BitsColumn.CHANGED_MASK, k] |= difference
    intervals = counts[CountColumn.INTERVALS]
    row[FrameColumn.BITS_CHANGED] = changed / _PAYLOAD_BITS
    surprise = changed - numbers[NumberColumn.BITS_MEAN]
    if intervals >= MIN_HISTORY:
        row[FrameColumn.BITS_SURPRISE] = surprise / _BITS_PER_BYTE
    if new and warm and intervals >= NOVELTY_FRAMES:
        row[FrameColumn.NEW_BITS] = math.log1p(new)
    if intervals > NOVELTY_FRAMES:
        surprise = clip(surprise, -ROBUST_BITS, ROBUST_BITS)
    numbers[NumberColumn.BITS_MEAN] += surprise / max(intervals, 1)


@compiled(inline=True)
def _hear(bus: NDArray[np.float64], now: float, first: bool) -> None:
    """Adds a frame to the running mean of the gaps between frames of the bus."""
    if first:
        bus[BusColumn.START] = now
    else:
        bus[BusColumn.COUNT] = min(bus[BusColumn.COUNT] + 1, BUS_MEMORY_FRAMES)
        gap = clip(now - bus[BusColumn.LAST], 0.0, LONGEST_GAP_S)
        bus[BusColumn.MEAN] += (gap - bus[BusColumn.MEAN]) / bus[BusColumn.COUNT]
        together = 1.0 if gap == 0.0 else 0.0
        late = min(bus[BusColumn.COUNT], TOGETHER_FRAMES)
        bus[BusColumn.TOGETHER] += (together - bus[BusColumn.TOGETHER]) / late
    bus[BusColumn.LAST] = now


@compiled(inline=True)
def _keep_payload(bits: NDArray[np.uint64], slot: int, payload: NDArray[np.uint64]) -> np.int64:
    """Remembers the payload for the ID's next frame; gives its number of 1 bits."""
    ones = np.int64(0)
    for k in range(len(payload)):
        ones += popcount(payload[k])
        bits[slot, BitsColumn.LAST_PAYLOAD, k] = payload[k]
    return ones


@compiled(inline=True)
def _compare(row: NDArray[np.float32], frames: FrameChunk, i: int, history: History) -> None:
    """Fills the columns of frame `i` that need its ID's past, and adds the frame to the past."""
    numbers, counts, bits, bus, established = history
    now = frames.timestamps[i]
    s = frames.slots[i]
    before = counts[s, CountColumn.INTERVALS]
    # Timestamps may step back by a fraction of a millisecond; an interval can't.
    interval = max(now - numbers[s, NumberColumn.LAST_T], 0.0)
    follow_rhythm(row, numbers[s], counts[s], bus, now)
    _interval_columns(row, numbers[s], counts[s], interval)
    warm = now - bus[BusColumn.START] > WARM_UP_S
    _payload_columns(row, numbers[s], counts[s], bits[s], frames.payloads[i], warm)
    if before < NOVELTY_FRAMES <= counts[s, CountColumn.INTERVALS]:
        established[np.int64(bus[BusColumn.ESTABLISHED])] = s
        bus[BusColumn.ESTABLISHED] += 1
    row[FrameColumn.DLC_CHANGED] = frames.dlcs[i] != counts[s, CountColumn.LAST_DLC]


@compiled()
def update_history(
    frames: FrameChunk,
    history: History,
    ends: WindowEnds,
    per_frame: NDArray[np.float32],
    per_window: NDArray[np.float32],
) -> None:
    """State of each frame against the past, and of the bus at each window's end.

    Args:
        frames: The next n frames.
        history: What is remembered; is brought up to date.
        ends: Which of them end a window.
        per_frame: Is filled [n, 11].
        per_window: Is filled [m, 2].
    """
    frames, history = borrowed(frames), borrowed(history)
    per_frame, per_window = borrowed(per_frame), borrowed(per_window)
    numbers, counts, bits, bus, _ = history
    next_end = ends.first
    ended = 0
    for i in range(len(frames.timestamps)):
        now = frames.timestamps[i]
        s = frames.slots[i]
        row = per_frame[i]
        row[:] = 0.0
        seen = counts[s, CountColumn.SEEN]
        _hear(bus, now, ends.offset + i == 0)
        if seen == 0:
            numbers[s, NumberColumn.FIRST_T] = now
            counts[s, CountColumn.LATE] = now - bus[BusColumn.START] > WARM_UP_S
        else:
            _compare(row, frames, i, history)
        if counts[s, CountColumn.LATE]:
            age = max(now - numbers[s, NumberColumn.FIRST_T], 0.0)
            row[FrameColumn.NOVELTY] = 1.0 - min(seen / NOVELTY_FRAMES, age / NOVELTY_S, 1.0)
        ones = _keep_payload(bits, s, frames.payloads[i])
        row[FrameColumn.DENSITY] = ones / (_BITS_PER_BYTE * max(frames.dlcs[i], 1))
        counts[s, CountColumn.SEEN] = min(seen + 1, NOVELTY_FRAMES)
        counts[s, CountColumn.LAST_DLC] = frames.dlcs[i]
        numbers[s, NumberColumn.LAST_T] = now
        if ends.offset + i == next_end:
            _end_window(history, now, per_window[ended])
            ended += 1
            next_end += ends.stride
