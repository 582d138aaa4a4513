"""Whether a recording shows itself to be of a profile's vehicle, from the frames so far.

An ID conforms if nearly all its frames keep the payload's rules and it is sent about as often as
usual. Both are counted over the whole recording so far, so an attack on a few IDs, or a short one
on all of them, changes little, whenever it comes; a flood makes frames late, not rare.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from can_train.compiled import compiled
from can_train.vehicle.profile import Known
from can_train.vehicle.state import Clock, Presence, Tally, Watched

TICK_FRAMES: Final = 32
"""Frames from one judgement to the next."""

BIN_S: Final = 0.25
"""An ID is there in a stretch of this length if a frame of it is."""

OFFBEAT: Final = 0.2
"""Logarithm of mean interval over period from which an ID isn't sent as usual."""

SURE_AFTER_S: Final = 2.0
"""Nothing is said before; the core IDs have sent twenty frames or more by then."""

OPENS_AT: Final = 0.8
CLOSES_AT: Final = 0.6
"""Share of the core IDs that conform."""

MOST_FOREIGN: Final = 0.1
"""IDs that the vehicle never sent and that are there all the time, as a share of the core IDs. Cars
of one maker share most IDs, periods and constants (set_01): the rest tells them apart."""

_FEWEST_SEEN: Final = 8
_MOST_STRANGE: Final = 0.5
_MOST_OFFBEAT: Final = 0.5
_ALWAYS_THERE: Final = 0.5


@compiled()
def same_vehicle(elapsed_s: np.float64, known: Known, state: Watched, slots: int) -> np.float64:
    """1 if the traffic so far is the vehicle's, else 0; between both shares it stays as it was."""
    if elapsed_s < SURE_AFTER_S:
        return np.float64(0.0)
    core = conforming = 0
    for row in range(len(known.ids)):
        if not known.core[row]:
            continue
        core += 1
        tally = state.tally[row]
        conforming += (
            tally[Tally.SEEN] >= _FEWEST_SEEN
            and tally[Tally.STRANGE] <= _MOST_STRANGE * tally[Tally.SEEN]
            and tally[Tally.OFFBEAT] <= _MOST_OFFBEAT * tally[Tally.INTERVALS]
        )
    constantly = _ALWAYS_THERE * elapsed_s / BIN_S
    there = 0
    for slot in range(slots):
        there += (
            state.bins[slot, Presence.STRETCHES] >= constantly
            and state.bins[slot, Presence.FAMILIAR] == 0
        )
    if core == 0 or there > MOST_FOREIGN * core or conforming < CLOSES_AT * core:
        return np.float64(0.0)
    if conforming >= OPENS_AT * core:
        return np.float64(1.0)
    return np.float64(state.clock[Clock.OPEN])
