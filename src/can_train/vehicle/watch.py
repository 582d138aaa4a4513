"""Compares traffic with a vehicle's profile, frame by frame and causally.

What is said of a frame depends on it and on those before it. State is small: a few numbers for
each ID of the profile, and for every other ID when it was seen.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import Frames
from can_train.graphs.kernels.history import popcount
from can_train.graphs.slots import IdSlots
from can_train.graphs.steady import SteadyClock
from can_train.vehicle.gate import BIN_S, OFFBEAT, TICK_FRAMES, same_vehicle
from can_train.vehicle.profile import SILENT, Known, Step, Trait, VehicleProfile
from can_train.vehicle.state import Clock, Presence, Running, Tally, Watched

MEMORY_FRAMES: Final = 20
"""Frames of an ID over which its mean interval and jitter run (exponential)."""

EARLY: Final = 0.5
LATE: Final = 1.5
"""Intervals, in periods, beyond which a frame breaks its ID's rhythm: one too many, as injected
ones are, or one too few. What the ID's timing was is left behind then and begins anew with the next
frame, so no genuine frame pays for those before it. A masquerade breaks no rhythm."""

LEFT_OVER: Final = 0.875
"""Share of what an ID is blamed for that is left after one more frame of it (memory of 8)."""

BELIEVED_AFTER: Final = 20
"""Payloads in a row that have to keep an ID's rules in this recording. Rules of other drives don't
always hold; where they don't from the start, nothing is to be learnt from breaking them."""

FEWEST_BITS: Final = 6
"""Constant bits that have to change at once. Single ones do on a drive unlike those before (a lamp,
a fault), and stay changed."""

FOREIGN_PART: Final = 4
"""A frame is strange to the vehicle if more than one in so many of the constant bits differs."""

BUS_WIDE_SHARE: Final = 0.8
"""What so many of the vehicle's IDs do at once (a late bus, a clock) is held against none."""


class PassingFrames(NamedTuple):
    """n frames; IDs as rows of the profile (-1: not in it), as slots, and whether familiar."""

    timestamps: NDArray[np.float64]
    payload: NDArray[np.uint8]
    words: NDArray[np.uint64]
    dlcs: NDArray[np.uint8]
    rows: NDArray[np.int32]
    familiar: NDArray[np.bool_]
    slots: NDArray[np.int32]


class Said(NamedTuple):
    """What is said of n frames: their timing's `Trait`s [n, 2] (NaN: unknown) and score [n]."""

    traits: NDArray[np.float32]
    score: NDArray[np.float64]


class VehicleWatch:
    """Follows one recording, in any cut.

    Args:
        profile: The vehicle that it may be of.
    """

    def __init__(self, profile: VehicleProfile) -> None:
        self._known = profile.known
        self._familiar = profile.familiar
        self._slots = IdSlots()
        self._steady = SteadyClock()
        self._state = Watched.nothing(len(profile))

    @property
    def recognised(self) -> bool:
        """Whether the traffic so far has shown itself to be of the vehicle."""
        return bool(self._state.clock[Clock.OPEN])

    def follow(self, frames: Frames) -> Said:
        """What is said of the next n frames."""
        known = self._known
        ids = np.ascontiguousarray(frames.arbitration_id)
        slots = self._slots.assign(ids)
        self._state = self._state.with_slots(self._slots.count)
        at = np.searchsorted(known.ids, ids)
        seen = PassingFrames(
            timestamps=self._steady.follow(frames.timestamp),
            payload=np.ascontiguousarray(frames.payload),
            words=frames.payload_words,
            dlcs=np.ascontiguousarray(frames.dlc),
            rows=np.where(_among(known.ids, ids), at, -1).astype(np.int32),
            familiar=_among(self._familiar, ids),
            slots=slots,
        )
        said = Said(
            traits=np.full((len(frames), len(Trait)), np.nan, np.float32),
            score=np.full(len(frames), SILENT),
        )
        follow_vehicle(seen, known, self._state, said, self._slots.count)
        return said


def _among(ordered: NDArray[np.uint32], ids: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each of `ids` [n] is one of `ordered`."""
    at = np.minimum(np.searchsorted(ordered, ids), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[at] == ids
    return found


@compiled()
def follow_vehicle(
    seen: PassingFrames, known: Known, state: Watched, said: Said, slots: int
) -> None:
    """Fills `said`, and carries `state` on."""
    clock = state.clock
    for i in range(len(seen.timestamps)):
        now = seen.timestamps[i]
        if clock[Clock.FRAMES] == 0:
            clock[Clock.START] = now
        clock[Clock.FRAMES] += 1
        bin_now = np.int32((now - clock[Clock.START]) / BIN_S) + 1
        bins = state.bins[seen.slots[i]]
        if bins[Presence.LATEST] != bin_now:
            bins[Presence.STRETCHES] += 1
            bins[Presence.LATEST] = bin_now
        row = seen.rows[i]
        bins[Presence.FAMILIAR] = seen.familiar[i]
        if row >= 0:
            timing = _timing(now, row, known, state, said.traits[i])
            blame = _blame(seen, i, row, known, state)
            if clock[Clock.OPEN] != 0:
                said.score[i] = max(timing, blame)
        if clock[Clock.FRAMES] % TICK_FRAMES == 0:
            _tick(now - clock[Clock.START], known, state, slots)


@compiled()
def _timing(
    now: np.float64, row: np.int32, known: Known, state: Watched, traits: NDArray[np.float32]
) -> np.float64:
    """Updates the timing of one ID with a frame of it; how far it is from usual, or `SILENT`."""
    running, tally = state.running[row], state.tally[row]
    tally[Tally.SEEN] += 1
    if tally[Tally.SEEN] == 1:
        running[Running.LAST_T] = now
        running[Running.DEVIATION] = SILENT
        return np.float64(SILENT)
    interval = (now - running[Running.LAST_T]) / known.period[row]
    running[Running.BREAKS] *= LEFT_OVER
    if interval < EARLY or interval > LATE:
        return _break(now, running, tally, known.punctual[row])
    running[Running.LAST_T] = now
    tally[Tally.INTERVALS] += 1
    tally[Tally.UNDISTURBED] += 1
    if tally[Tally.UNDISTURBED] <= 0:
        return np.float64(SILENT)
    # Plain means until there is memory enough, so that the first intervals weigh no more.
    share = 1.0 / min(tally[Tally.UNDISTURBED], MEMORY_FRAMES)
    running[Running.MEAN] += share * (interval - running[Running.MEAN])
    off = abs(interval - running[Running.MEAN])
    running[Running.JITTER] += share * (off - running[Running.JITTER])
    tally[Tally.OFFBEAT] += abs(np.log(running[Running.MEAN])) > OFFBEAT
    if tally[Tally.UNDISTURBED] < MEMORY_FRAMES:
        return np.float64(SILENT)
    traits[Trait.INTERVAL] = np.log(running[Running.MEAN])
    traits[Trait.JITTER] = running[Running.JITTER]
    most = SILENT
    for trait in range(len(traits)):
        above = traits[trait] - known.high[row, trait]
        below = known.low[row, trait] - traits[trait]
        most = max(most, max(above, below) / known.unit[row, trait])
    running[Running.DEVIATION] = most
    return np.float64(max(SILENT, most - max(0.0, state.clock[Clock.BUS_WIDE])))


@compiled()
def _break(
    now: np.float64,
    running: NDArray[np.float64],
    tally: NDArray[np.int32],
    punctual: np.bool_,
) -> np.float64:
    """A frame out of its ID's rhythm. The interval after it isn't counted: it starts anywhere."""
    running[Running.LAST_T] = now
    running[Running.DEVIATION] = SILENT
    tally[Tally.INTERVALS] += 1
    tally[Tally.OFFBEAT] += 1
    tally[Tally.UNDISTURBED] = -1
    running[Running.BREAKS] += 1.0
    return running[Running.BREAKS] - 0.5 if punctual else np.float64(SILENT)


@compiled()
def _blame(seen: PassingFrames, i: int, row: np.int32, known: Known, state: Watched) -> np.float64:
    """How often the ID's payload broke a rule of late, if this frame's does; else `SILENT`."""
    running, tally = state.running[row], state.tally[row]
    strange = (known.lengths[row] >> np.uint64(min(seen.dlcs[i], 63))) & np.uint64(1) == 0
    changed = constant = np.int64(0)
    for word in range(known.constant.shape[1]):
        bits = (_word(seen, i, word) ^ known.value[row, word]) & known.constant[row, word]
        changed += popcount(bits)
        constant += popcount(known.constant[row, word])
    tally[Tally.STRANGE] += strange or changed * FOREIGN_PART > constant
    broken = strange or (known.fixed[row] and changed >= FEWEST_BITS)
    broken = not _counts_on(seen, i, known.counter[row], tally) or broken
    running[Running.BLAME] *= LEFT_OVER
    if tally[Tally.KEPT] < BELIEVED_AFTER:
        tally[Tally.KEPT] = 0 if broken else tally[Tally.KEPT] + 1
        return np.float64(SILENT)
    if not broken:
        return np.float64(SILENT)
    running[Running.BLAME] += 1.0
    return np.float64(running[Running.BLAME])


@compiled()
def _word(seen: PassingFrames, i: int, word: int) -> np.uint64:
    """A word of a payload; 0 behind the width of this recording, as payloads are padded with."""
    return seen.words[i, word] if word < seen.words.shape[1] else np.uint64(0)


@compiled()
def _counts_on(
    seen: PassingFrames, i: int, step: NDArray[np.int64], tally: NDArray[np.int32]
) -> np.bool_:
    """Whether the ID's counter goes on from its last value, or from the last one that did.

    From the latter, so that a genuine frame isn't blamed for the injected one before it.
    """
    if step[Step.MODULUS] == 0:
        return np.bool_(True)
    at, byte = step[Step.BYTE], np.int64(0)
    if at < seen.payload.shape[1]:
        byte = np.int64(seen.payload[i, at])
    value = (byte >> step[Step.SHIFT]) % step[Step.MODULUS]
    goes_on = tally[Tally.SEEN] == 1
    for before in (tally[Tally.LAST], tally[Tally.REFERENCE]):
        goes_on = goes_on or value == (before + step[Step.SIZE]) % step[Step.MODULUS]
    if goes_on:
        tally[Tally.REFERENCE] = value
    tally[Tally.LAST] = value
    return np.bool_(goes_on)


@compiled()
def _tick(elapsed_s: np.float64, known: Known, state: Watched, slots: int) -> None:
    """Judges anew whether it is the vehicle, and what all of its IDs do."""
    clock, count = state.clock, 0
    deviations = np.empty(len(known.ids))
    for row in range(len(known.ids)):
        if known.core[row] and state.tally[row, Tally.UNDISTURBED] >= MEMORY_FRAMES:
            deviations[count] = state.running[row, Running.DEVIATION]
            count += 1
    clock[Clock.BUS_WIDE] = 0.0
    if count:
        ordered = np.sort(deviations[:count])
        clock[Clock.BUS_WIDE] = ordered[min(count - 1, int(BUS_WIDE_SHARE * count))]
    clock[Clock.OPEN] = same_vehicle(elapsed_s, known, state, slots)
