"""Dense numbers for the arbitration IDs of one recording."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import MAX_STANDARD_ID

_HASH_FACTOR: Final = 2_654_435_761
"""Multiplicative hashing: 2**32 over the golden ratio (Knuth, TAOCP 3, section 6.4)."""


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
        """Keeps the table at most half full: a search then meets two entries or so."""
        if 2 * entries <= len(self._keys):
            return
        keys, values = self._keys, self._values
        size = 1 << (4 * entries - 1).bit_length()
        self._keys, self._values = np.zeros(size, np.uint32), np.full(size, -1, np.int32)
        _rehash(keys, values, self._keys, self._values)


@compiled()
def _slot_of_extended(
    key: np.integer, keys: NDArray[np.uint32], values: NDArray[np.int32]
) -> np.int64:
    """Position of `key` in an open-addressing table, or the free position where it belongs."""
    mask = len(keys) - 1
    at = (np.int64(key) * _HASH_FACTOR) & mask
    while values[at] >= 0 and keys[at] != key:
        at = (at + 1) & mask
    return at


@compiled()
def _rehash(
    keys: NDArray[np.uint32],
    values: NDArray[np.int32],
    new_keys: NDArray[np.uint32],
    new_values: NDArray[np.int32],
) -> None:
    """Moves all entries into a larger table."""
    for i in range(len(keys)):
        if values[i] >= 0:
            at = _slot_of_extended(keys[i], new_keys, new_values)
            new_keys[at], new_values[at] = keys[i], values[i]


@compiled()
def _assign_slots(
    ids: NDArray[np.uint32],
    standard: NDArray[np.int32],
    keys: NDArray[np.uint32],
    values: NDArray[np.int32],
    counts: NDArray[np.int64],
    slots: NDArray[np.int32],
) -> tuple[int, int]:
    """Fills `slots`; standard IDs index an array, only extended ones need the hash table."""
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
