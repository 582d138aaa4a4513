"""Whether recordings that are called one vehicle are of one: they send the same IDs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from can_train.frames.frame import MAX_STANDARD_ID, Frames
from can_train.frames.paging import give_back
from can_train.frames.recording import Recording

_OFTEN: Final = 10
"""Benign frames from which an ID belongs to the vehicle: a stray or fuzzed one has fewer."""

_FRAMES_AT_ONCE: Final = 1 << 18
_ENOUGH_IDS: Final = 5
_SHARED: Final = 0.5
"""Recordings of one vehicle have at least this share of the smaller ID set in common; in the
published sets it is above 0.9, and between two cars below 0.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenIds:
    """A recording and the arbitration IDs that its benign traffic sends often."""

    recording: Recording
    ids: frozenset[int]


def seen_ids(recording: Recording, frames: Frames) -> SeenIds:
    """IDs of a recording's benign traffic."""
    standard = np.zeros(MAX_STANDARD_ID + 1, np.int64)
    extended: Counter[int] = Counter()
    for begin in range(0, len(frames), _FRAMES_AT_ONCE):
        part = frames[begin : begin + _FRAMES_AT_ONCE]
        benign = part.arbitration_id
        if part.label.any():
            benign = benign[part.label == 0]
        is_standard = benign <= MAX_STANDARD_ID
        if not is_standard.all():
            ids, counts = np.unique(benign[~is_standard], return_counts=True)
            extended.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))
            benign = benign[is_standard]
        standard += np.bincount(benign, minlength=len(standard))
    give_back(frames.arbitration_id)
    often = np.flatnonzero(standard >= _OFTEN).tolist()
    often += [i for i, count in extended.items() if count >= _OFTEN]
    return SeenIds(recording=recording, ids=frozenset(often))


def other_vehicles(seen: Sequence[SeenIds]) -> Iterator[str]:
    """Recordings whose IDs aren't those of others that are called the same vehicle.

    Each is compared with the one of most IDs.
    """
    for vehicle in dict.fromkeys(each.recording.vehicle for each in seen):
        same = [each for each in seen if each.recording.vehicle == vehicle]
        most = max(same, key=lambda each: len(each.ids))
        for each in same:
            smaller = min(len(each.ids), len(most.ids))
            shared = len(each.ids & most.ids)
            if smaller >= _ENOUGH_IDS and shared < _SHARED * smaller:
                yield (
                    f"{_name(each)} and {_name(most)} are both called {vehicle}, but share only "
                    f"{shared} of {smaller} IDs: they are of different vehicles, or of different "
                    f"buses. Name files KIND-VEHICLE"
                )


def _name(seen: SeenIds) -> str:
    return f"{seen.recording.scenario}/{seen.recording.name}"
