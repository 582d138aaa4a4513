"""Dense numbers for the arbitration IDs of one recording."""

from __future__ import annotations

from enum import auto, unique
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import MAX_STANDARD_ID
from can_train.graphs.features import Column

_HASH_FACTOR: Final = 2_654_435_761
"""Multiplicative hashing: 2**32 over the golden ratio (Knuth, TAOCP 3, section 6.4)."""


@unique
class SlotCount(Column):
    """Slots, and those of extended IDs."""

    ALL = auto()
    EXTENDED = auto()


class SlotTables(NamedTuple):
    """Slots of IDs, -1 where there is none: standard ones by ID, extended ones by hash.

    Attributes:
        standard: By ID [2048], int32.
        keys: Extended IDs, open addressing [T], uint32.
        values: Their slots [T], int32.
        counts: `SlotCount` [2], int64.
    """

    standard: NDArray[np.int32]
    keys: NDArray[np.uint32]
    values: NDArray[np.int32]
    counts: NDArray[np.int64]


class IdSlots:
    """Assigns every arbitration ID a dense slot in order of first appearance."""

    def __init__(self) -> None:
        self.tables = SlotTables(
            standard=np.full(MAX_STANDARD_ID + 1, -1, np.int32),
            keys=np.zeros(16, np.uint32),
            values=np.full(16, -1, np.int32),
            counts=np.zeros(len(SlotCount), np.int64),
        )

    @property
    def count(self) -> int:
        """Slots assigned so far."""
        return int(self.tables.counts[SlotCount.ALL])

    def assign(self, arbitration_id: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Slots [n] int32 of the IDs [n], adding slots for those not seen before."""
        extended = arbitration_id[arbitration_id > MAX_STANDARD_ID]
        if len(extended):
            self.reserve(len(np.unique(extended)))
        slots = np.empty(len(arbitration_id), np.int32)
        assign_slots(arbitration_id, self.tables, slots)
        return slots

    def reserve(self, more: int) -> None:
        """Makes room for so many further extended IDs.

        The table is at most half full: a search then meets two entries or so.
        """
        old, entries = self.tables, int(self.tables.counts[SlotCount.EXTENDED]) + more
        if 2 * entries <= len(old.keys):
            return
        size = 1 << (4 * entries - 1).bit_length()
        keys, values = np.zeros(size, np.uint32), np.full(size, -1, np.int32)
        _rehash(old.keys, old.values, keys, values)
        self.tables = old._replace(keys=keys, values=values)


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
def assign_slots(ids: NDArray[np.uint32], tables: SlotTables, slots: NDArray[np.int32]) -> None:
    """Fills `slots`; standard IDs index an array, only extended ones need the hash table."""
    standard, keys, values, counts = tables
    count, extended = counts[SlotCount.ALL], counts[SlotCount.EXTENDED]
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
    counts[SlotCount.ALL], counts[SlotCount.EXTENDED] = count, extended
