"""When an attack may happen, and what it does to the traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.streams import cleared
from can_train.frames.frame import Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """When an attack happens, and on what.

    Attributes:
        start_s: Earliest time of a frame.
        end_s: Latest time (exclusive).
        victims: IDs of the car that are on the bus [K].
        untouched: Those of them that no earlier attack of the recording spoke for [K].
    """

    start_s: float
    end_s: float
    victims: NDArray[np.bool_]
    untouched: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """What an attack does to the traffic.

    Attributes:
        added: Frames that it adds, sorted, all labelled 1; None: none.
        removed: Rows of genuine frames that it keeps from the bus, ascending [M].
    """

    added: Frames | None
    removed: NDArray[np.int64]


NO_ROWS: Final = np.empty(0, np.int64)
NOTHING: Final = Forgery(added=None, removed=NO_ROWS)


def sent(
    time_s: NDArray[np.float64],
    arbitration_id: NDArray[np.uint32] | np.uint32,
    payload: NDArray[np.uint8],
    dlc: NDArray[np.uint8] | int,
    removed: NDArray[np.int64] = NO_ROWS,
) -> Forgery:
    """Frames of an attacker, labelled 1; without any the attack is `NOTHING`.

    Args:
        time_s: Their times [n], sorted.
        arbitration_id: Their IDs [n], or the one ID of all.
        payload: Their payloads [n, P]; bytes beyond the lengths are cleared.
        dlc: Their lengths [n], or the one length of all.
        removed: Rows of genuine frames that they replace.
    """
    n = len(time_s)
    if n == 0:
        return NOTHING
    lengths = np.full(n, dlc, np.uint8)
    added = Frames(
        timestamp=time_s,
        arbitration_id=np.full(n, arbitration_id, np.uint32),
        dlc=lengths,
        payload=cleared(payload, lengths),
        label=np.ones(n, np.uint8),
    )
    return Forgery(added=added, removed=removed)
