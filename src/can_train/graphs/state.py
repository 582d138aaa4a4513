"""Causal state of every arbitration ID of one recording, updated frame by frame.

The state is carried over all frames of a recording and starts empty at the next one. Fed
with any cut of the recording into chunks it gives the identical numbers, so a live stream
and the packed store agree bit for bit.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import MAX_STANDARD_ID, Frames

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

PERIODIC_VARIATION: Final = 0.5
"""An ID counts as periodic while std / mean of its intervals is below this."""

OVERDUE_PERIODS: Final = 3.0
OVERDUE_LIMIT_S: Final = 10.0
"""A periodic ID is missing from 3 periods after it was due until 10 s later (saturation)."""

ROBUST_LIMIT: Final = 3.0
ROBUST_BITS: Final = 8.0
"""An ID's past takes in at most 3 deviations (8 bits) of surprise per frame (Huber, Robust
Statistics, 1981, chapter 3): injected frames stand out without becoming the new normal."""

_TIME_FLOOR_S: Final = 1e-5
"""Resolution of the recorders; also keeps the logarithm finite for equal timestamps."""

FRAME_COLUMNS: Final = 10
(
    LOG_RATIO,
    Z_SCORE,
    VARIATION,
    BITS_CHANGED,
    BITS_SURPRISE,
    NEW_BITS,
    DLC_CHANGED,
    NOVELTY,
    DENSITY,
    PERIOD,
) = range(FRAME_COLUMNS)
"""Columns of the per-frame state, [n, 10] float32. PERIOD is the ID's past mean interval [s]."""

BUS_GAP, MISSING_SHARE = range(2)
"""Columns of the per-window state, [m, 2] float32: mean frame gap [s], share of missing IDs."""


class IdSlots:
    """Assigns every arbitration ID a dense slot in order of first appearance."""

    def __init__(self) -> None:
        self.count = 0
        self._standard = np.full(MAX_STANDARD_ID + 1, -1, np.int32)
        self._keys = np.zeros(16, np.uint32)
        self._values = np.full(16, -1, np.int32)
        self._extended = 0

    def assign(self, arbitration_id: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Slots [n] int32 of the IDs [n], adding slots for those not seen before."""
        extended = arbitration_id[arbitration_id > MAX_STANDARD_ID]
        if len(extended):
            self._reserve(self._extended + len(np.unique(extended)))
        slots = np.empty(len(arbitration_id), np.int32)
        self.count, self._extended = _assign_slots(
            arbitration_id,
            self._standard,
            self._keys,
            self._values,
            np.array([self.count, self._extended]),
            slots,
        )
        return slots

    def _reserve(self, entries: int) -> None:
        if 2 * entries <= len(self._keys):
            return
        keys, values = self._keys, self._values
        size = 1 << (4 * entries - 1).bit_length()
        self._keys, self._values = np.zeros(size, np.uint32), np.full(size, -1, np.int32)
        _rehash(keys, values, self._keys, self._values)


class IdState:
    """Per-ID history of one recording.

    Args:
        window: Frames per window.
        stride: Frames between window starts.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """

    def __init__(self, *, window: int, stride: int, words: int = 1) -> None:
        self.window = window
        self.stride = stride
        self.frames = 0
        self._numbers = np.zeros((0, 5))
        self._counts = np.zeros((0, 4), np.int64)
        self._bits = np.zeros((0, 2, words), np.uint64)
        self._bus = np.zeros(5)
        self._established = np.zeros(0, np.int32)

    def update(
        self, frames: Frames, slots: NDArray[np.int32], slot_count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """State of each of the n frames against the past, and of each window that ends in them.

        Args:
            frames: The next n frames of the recording.
            slots: Slot of each frame's ID [n], from one `IdSlots` for the recording.
            slot_count: Slots assigned so far.

        Returns:
            Per-frame columns [n, 10] float32 and per-window columns [m, 2] float32.
        """
        self._grow(slot_count)
        n = len(frames)
        first_end = max(self.frames, self.window - 1)
        first_end += -(first_end - self.window + 1) % self.stride
        windows = max(0, -(-(self.frames + n - first_end) // self.stride))
        per_frame = np.empty((n, FRAME_COLUMNS), np.float32)
        per_window = np.empty((windows, 2), np.float32)
        _update(
            (frames.timestamp, slots, frames.payload_words, frames.dlc),
            (self._numbers, self._counts, self._bits, self._bus, self._established),
            (self.frames, first_end, self.stride),
            per_frame,
            per_window,
        )
        self.frames += n
        return per_frame, per_window

    def _grow(self, slots: int) -> None:
        have = len(self._numbers)
        if slots <= have:
            return
        extra = max(slots, 2 * have, 64) - have
        self._numbers = np.concatenate([self._numbers, np.zeros((extra, 5))])
        self._counts = np.concatenate([self._counts, np.zeros((extra, 4), np.int64)])
        self._established = np.concatenate([self._established, np.zeros(extra, np.int32)])
        words = self._bits.shape[2]
        self._bits = np.concatenate([self._bits, np.zeros((extra, 2, words), np.uint64)])


_LAST_T, _MEAN, _VARIANCE, _BITS_MEAN, _FIRST_T = range(5)
_SEEN, _INTERVALS, _LAST_DLC, _LATE = range(4)
_LAST_PAYLOAD, _CHANGED_MASK = range(2)
_BUS_START, _BUS_LAST, _BUS_MEAN, _BUS_COUNT, _BUS_ESTABLISHED = range(5)


@numba.njit(cache=True, nogil=True)
def _slot_of_extended(
    key: np.integer, keys: NDArray[np.uint32], values: NDArray[np.int32]
) -> np.int64:
    """Position of `key` in an open-addressing table, or the free position where it belongs."""
    mask = len(keys) - 1
    at = (np.int64(key) * 2_654_435_761) & mask
    while values[at] >= 0 and keys[at] != key:
        at = (at + 1) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _rehash(
    keys: NDArray[np.uint32],
    values: NDArray[np.int32],
    new_keys: NDArray[np.uint32],
    new_values: NDArray[np.int32],
) -> None:
    for i in range(len(keys)):
        if values[i] >= 0:
            at = _slot_of_extended(keys[i], new_keys, new_values)
            new_keys[at], new_values[at] = keys[i], values[i]


@numba.njit(cache=True, nogil=True)
def _assign_slots(
    ids: NDArray[np.uint32],
    standard: NDArray[np.int32],
    keys: NDArray[np.uint32],
    values: NDArray[np.int32],
    counts: NDArray[np.int64],
    slots: NDArray[np.int32],
) -> tuple[int, int]:
    count, extended = counts[0], counts[1]
    for i in range(len(ids)):
        key = np.int64(ids[i])
        if key < len(standard):
            if standard[key] < 0:
                standard[key] = count
                count += 1
            slots[i] = standard[key]
            continue
        at = _slot_of_extended(key, keys, values)
        if values[at] < 0:
            keys[at], values[at] = ids[i], count
            count += 1
            extended += 1
        slots[i] = values[at]
    return count, extended


@numba.njit(cache=True, nogil=True, inline="always")
def _popcount(word: np.uint64) -> np.int64:
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit(cache=True, nogil=True, inline="always")
def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@numba.njit(cache=True, nogil=True)
def _missing_share(
    numbers: NDArray[np.float64], established: NDArray[np.int32], now: float
) -> float:
    """Share of the recording's periodic IDs that are overdue at time `now`."""
    periodic = 0
    missing = 0
    for s in established:
        mean = numbers[s, _MEAN]
        if numbers[s, _VARIANCE] > (PERIODIC_VARIATION * mean) ** 2:
            continue
        overdue = now - numbers[s, _LAST_T] - mean
        if overdue > OVERDUE_LIMIT_S:
            continue
        periodic += 1
        if overdue > OVERDUE_PERIODS * mean:
            missing += 1
    return missing / periodic if periodic else 0.0


@numba.njit(cache=True, nogil=True)
def _interval_columns(
    row: NDArray[np.float32],
    numbers: NDArray[np.float64],
    counts: NDArray[np.int64],
    interval: float,
) -> None:
    """Compares an interval [s] with the ID's past, then adds it to the past.

    Mean and variance are exponentially weighted with weight 1 / min(n, MEMORY_FRAMES), which
    is the plain running mean until the horizon is reached (Welford's update).
    """
    intervals = counts[_INTERVALS]
    mean = numbers[_MEAN]
    deviation = math.sqrt(numbers[_VARIANCE])
    if intervals >= MIN_HISTORY:
        row[LOG_RATIO] = _clip(
            math.log((interval + _TIME_FLOOR_S) / (mean + _TIME_FLOOR_S)), -6.0, 6.0
        )
        row[Z_SCORE] = _clip(
            (interval - mean) / (deviation + 0.05 * mean + _TIME_FLOOR_S), -8.0, 8.0
        )
        row[VARIATION] = math.log1p(min(deviation / (mean + _TIME_FLOOR_S), 50.0))
        row[PERIOD] = mean
    counts[_INTERVALS] = min(intervals + 1, MEMORY_FRAMES)
    weight = 1.0 / counts[_INTERVALS]
    error = interval - mean
    if intervals >= NOVELTY_FRAMES:
        limit = ROBUST_LIMIT * (deviation + 0.05 * mean + _TIME_FLOOR_S)
        error = _clip(error, -limit, limit)
        weight *= min((interval + _TIME_FLOOR_S) / (mean + _TIME_FLOOR_S), 1.0)
    numbers[_MEAN] = mean + weight * error
    numbers[_VARIANCE] = (1.0 - weight) * (numbers[_VARIANCE] + weight * error * error)


@numba.njit(cache=True, nogil=True)
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
        difference = payload[k] ^ bits[_LAST_PAYLOAD, k]
        changed += _popcount(difference)
        new += _popcount(difference & ~bits[_CHANGED_MASK, k])
        bits[_CHANGED_MASK, k] |= difference
    intervals = counts[_INTERVALS]
    row[BITS_CHANGED] = changed / 64.0
    if intervals >= MIN_HISTORY:
        row[BITS_SURPRISE] = (changed - numbers[_BITS_MEAN]) / 8.0
    if warm and intervals >= NOVELTY_FRAMES:
        row[NEW_BITS] = math.log1p(new)
    surprise = changed - numbers[_BITS_MEAN]
    if intervals > NOVELTY_FRAMES:
        surprise = _clip(surprise, -ROBUST_BITS, ROBUST_BITS)
    numbers[_BITS_MEAN] += surprise / max(intervals, 1)


@numba.njit(cache=True, nogil=True)
def _update(
    columns: tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.uint64], NDArray[np.uint8]],
    state: tuple[
        NDArray[np.float64],
        NDArray[np.int64],
        NDArray[np.uint64],
        NDArray[np.float64],
        NDArray[np.int32],
    ],
    position: tuple[int, int, int],
    per_frame: NDArray[np.float32],
    per_window: NDArray[np.float32],
) -> None:
    timestamps, slots, payloads, dlcs = columns
    numbers, counts, bits, bus, established = state
    offset, next_end, stride = position
    ended = 0
    for i in range(len(timestamps)):
        now = timestamps[i]
        s = slots[i]
        row = per_frame[i]
        row[:] = 0.0
        seen = counts[s, _SEEN]
        if offset + i == 0:
            bus[_BUS_START] = now
        else:
            bus[_BUS_COUNT] = min(bus[_BUS_COUNT] + 1, BUS_MEMORY_FRAMES)
            bus[_BUS_MEAN] += (max(now - bus[_BUS_LAST], 0.0) - bus[_BUS_MEAN]) / bus[_BUS_COUNT]
        bus[_BUS_LAST] = now
        if seen == 0:
            numbers[s, _FIRST_T] = now
            counts[s, _LATE] = now - bus[_BUS_START] > WARM_UP_S
        else:
            before = counts[s, _INTERVALS]
            _interval_columns(row, numbers[s], counts[s], max(now - numbers[s, _LAST_T], 0.0))
            warm = now - bus[_BUS_START] > WARM_UP_S
            _payload_columns(row, numbers[s], counts[s], bits[s], payloads[i], warm)
            if before < NOVELTY_FRAMES <= counts[s, _INTERVALS]:
                established[np.int64(bus[_BUS_ESTABLISHED])] = s
                bus[_BUS_ESTABLISHED] += 1
            row[DLC_CHANGED] = dlcs[i] != counts[s, _LAST_DLC]
        if counts[s, _LATE]:
            age = max(now - numbers[s, _FIRST_T], 0.0)
            row[NOVELTY] = 1.0 - min(seen / NOVELTY_FRAMES, age / NOVELTY_S, 1.0)
        ones = np.int64(0)
        for k in range(payloads.shape[1]):
            ones += _popcount(payloads[i, k])
            bits[s, _LAST_PAYLOAD, k] = payloads[i, k]
        row[DENSITY] = ones / (8.0 * max(dlcs[i], 1))
        counts[s, _SEEN] = min(seen + 1, NOVELTY_FRAMES)
        counts[s, _LAST_DLC] = dlcs[i]
        numbers[s, _LAST_T] = now
        if offset + i == next_end:
            per_window[ended, BUS_GAP] = bus[_BUS_MEAN]
            per_window[ended, MISSING_SHARE] = _missing_share(
                numbers, established[: np.int64(bus[_BUS_ESTABLISHED])], now
            )
            ended += 1
            next_end += stride
