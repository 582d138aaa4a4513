"""Profiles of vehicles on a stream: the largest deviation in each window, as it fills.

The numbers are those of whole recordings, bit for bit: the same compiled function makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.graphs.kernels.live import LiveFrames
from can_train.graphs.live import LiveGraphs
from can_train.vehicle.profile import SILENT, Known, Trait, VehicleProfile
from can_train.vehicle.state import Watched
from can_train.vehicle.watch import PassingFrames, Said, follow_vehicle

_UNKNOWN: Final = -2
_FOREIGN: Final = -1


class _Lookup(NamedTuple):
    """What a profile knows of each slot, filled as IDs come, and memory for n frames.

    Attributes:
        row_of: Row of the profile [S], int32; -1: none, -2: not looked up yet.
        is_familiar: Whether the vehicle sends the ID [S], bool.
        rows: The first of the frames [n], int32.
        familiar: The second of the frames [n], bool.
        said: What is said of them.
    """

    row_of: NDArray[np.int32]
    is_familiar: NDArray[np.bool_]
    rows: NDArray[np.int32]
    familiar: NDArray[np.bool_]
    said: Said


class _New(NamedTuple):
    """Rows `begin` to `end` are new; so many slots are in use, and frames were taken before.

    `first`: whether no other profile has looked at them.
    """

    begin: int
    end: int
    slots: int
    taken: int
    first: bool


class _Vehicle(NamedTuple):
    """A profile, and what is remembered of the stream."""

    known: Known
    familiar: NDArray[np.uint32]
    state: Watched
    lookup: _Lookup


class LiveWatch:
    """Follows one stream; those vehicles that it isn't of say nothing.

    Args:
        profiles: Of several vehicles.
        window: Frames per window.
        stride: Frames between window starts.
    """

    def __init__(self, profiles: Sequence[VehicleProfile], *, window: int, stride: int) -> None:
        self._profiles = list(profiles)
        self._states = [Watched.nothing(len(profile)) for profile in profiles]
        self._lookups = [_nothing_looked_up(max(window, stride)) for _ in profiles]
        self._recent = np.full(window, SILENT)
        self._taken = 0

    def follow(self, live: LiveGraphs) -> float:
        """Largest deviation of any frame of the window that is full now.

        Args:
            live: The stream; frames that came since the window before are added to the past.
        """
        rows, slots = live.new, live.slot_count
        new = _New(rows.start, rows.stop, slots, self._taken, True)
        for number, profile in enumerate(self._profiles):
            self._states[number] = state = self._states[number].with_slots(slots)
            self._lookups[number] = lookup = _with_slots(self._lookups[number], slots)
            known, familiar = profile.known, profile.familiar
            _watch(live.frames, new, _Vehicle(known, familiar, state, lookup), self._recent)
            new = new._replace(first=False)
        self._taken += new.end - new.begin
        return float(self._recent.max())


def _nothing_looked_up(frames: int) -> _Lookup:
    said = Said(np.zeros((frames, len(Trait)), np.float32), np.zeros(frames))
    return _Lookup(
        row_of=np.zeros(0, np.int32),
        is_familiar=np.zeros(0, np.bool_),
        rows=np.zeros(frames, np.int32),
        familiar=np.zeros(frames, np.bool_),
        said=said,
    )


def _with_slots(lookup: _Lookup, slots: int) -> _Lookup:
    have = len(lookup.row_of)
    if slots <= have:
        return lookup
    more = max(2 * slots - have, 64)
    return lookup._replace(
        row_of=np.append(lookup.row_of, np.full(more, _UNKNOWN, np.int32)),
        is_familiar=np.append(lookup.is_familiar, np.zeros(more, np.bool_)),
    )


@compiled()
def _watch(frames: LiveFrames, new: _New, vehicle: _Vehicle, recent: NDArray[np.float64]) -> None:
    """Says of each new frame how far it is from a profile; keeps the largest of all profiles'."""
    begin, end, lookup = new.begin, new.end, vehicle.lookup
    _look_up(frames, new, vehicle)
    seen = PassingFrames(
        frames.steady_s[begin:end],
        frames.payload[begin:end],
        frames.words[begin:end],
        frames.dlc[begin:end],
        lookup.rows[: end - begin],
        lookup.familiar[: end - begin],
        frames.slots[begin:end],
    )
    said = Said(lookup.said.traits[: end - begin], lookup.said.score[: end - begin])
    said.traits[:] = np.nan
    said.score[:] = SILENT
    follow_vehicle(seen, vehicle.known, vehicle.state, said, new.slots)
    for i in range(max(end - begin - len(recent), 0), end - begin):
        at = (new.taken + i) % len(recent)
        before = SILENT if new.first else recent[at]
        recent[at] = max(before, said.score[i])


@compiled()
def _look_up(frames: LiveFrames, new: _New, vehicle: _Vehicle) -> None:
    """Looks the frames' IDs up, each in the profile only once."""
    ids, familiar, lookup = vehicle.known.ids, vehicle.familiar, vehicle.lookup
    for i in range(new.begin, new.end):
        slot = frames.slots[i]
        if lookup.row_of[slot] == _UNKNOWN:
            identifier = frames.arbitration_id[i]
            at = np.searchsorted(ids, identifier)
            found = at < len(ids) and ids[at] == identifier
            lookup.row_of[slot] = at if found else _FOREIGN
            at = np.searchsorted(familiar, identifier)
            lookup.is_familiar[slot] = at < len(familiar) and familiar[at] == identifier
        lookup.rows[i - new.begin] = lookup.row_of[slot]
        lookup.familiar[i - new.begin] = lookup.is_familiar[slot]
