"""What is remembered of a recording while it is compared with a vehicle's profile: the columns."""

from __future__ import annotations

from enum import auto, unique
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from can_train.graphs.features import Column


@unique
class Running(Column):
    """What is remembered of each ID in float64: intervals in periods, DEVIATION in units.

    BREAKS and BLAME count recent frames that broke its rhythm, or a rule of its payload.
    """

    LAST_T = auto()
    MEAN = auto()
    JITTER = auto()
    DEVIATION = auto()
    BREAKS = auto()
    BLAME = auto()


@unique
class Tally(Column):
    """What is remembered of each ID in int32; the last two are of its counter.

    UNDISTURBED: intervals since its rhythm was last broken; OFFBEAT: those of all `INTERVALS` that
    were unlike its period; STRANGE: payloads of another car; KEPT: payloads in a row that kept the
    rules, until the rules are believed.
    """

    SEEN = auto()
    INTERVALS = auto()
    UNDISTURBED = auto()
    OFFBEAT = auto()
    STRANGE = auto()
    KEPT = auto()
    LAST = auto()
    REFERENCE = auto()


@unique
class Clock(Column):
    """What is remembered of the recording in float64; BUS_WIDE: deviation that most IDs share."""

    START = auto()
    FRAMES = auto()
    BUS_WIDE = auto()
    OPEN = auto()


@unique
class Presence(Column):
    """Stretches of time in which an ID was there, the last of them, and whether it is familiar."""

    STRETCHES = auto()
    LATEST = auto()
    FAMILIAR = auto()


class Watched(NamedTuple):
    """What is remembered of a profile's K IDs, of the recording, and of its S IDs.

    Attributes:
        running: `Running` [K, 6], float64.
        tally: `Tally` [K, 8], int32.
        clock: `Clock` [4], float64.
        bins: `Presence` of each ID of the recording [S, 3], int32.
    """

    running: NDArray[np.float64]
    tally: NDArray[np.int32]
    clock: NDArray[np.float64]
    bins: NDArray[np.int32]

    @classmethod
    def nothing(cls, ids: int) -> Self:
        """Before the first frame, with a profile of so many IDs."""
        return cls(
            running=np.zeros((ids, len(Running))),
            tally=np.zeros((ids, len(Tally)), np.int32),
            clock=np.zeros(len(Clock)),
            bins=np.zeros((64, len(Presence)), np.int32),
        )

    def with_slots(self, slots: int) -> Self:
        """The same with room for so many IDs of the recording."""
        if slots <= len(self.bins):
            return self
        more = np.zeros((2 * slots - len(self.bins), len(Presence)), np.int32)
        return self._replace(bins=np.concatenate([self.bins, more]))


BYTES_PER_ID: Final = 8 * len(Running) + 4 * len(Tally)
"""Memory that following one ID of a profile takes."""

BYTES_PER_OTHER_ID: Final = 4 * len(Presence) + 4
"""Memory that every ID on the bus takes, its slot included."""
