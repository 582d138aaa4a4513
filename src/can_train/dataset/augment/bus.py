"""What a bus has room for: how long frames take, and how they wait for each other.

No stuff bits are counted, hence `MOST_LOAD` below 1. `dataset/synth/bus.py` counts them exactly,
for standard frames of up to eight bytes; here a recording may hold any frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import EXTENDED_FLAG, Frames

BIT_TIME_S: Final = 2e-6
"""500 kbit/s, the usual speed of a car's main bus."""

MOST_LOAD: Final = 0.9
"""Share of the bus that may be used in all, an attack included; stuff bits take the rest."""

MOST_GENUINE_LOAD: Final = 0.6
"""Share of the bus that a car may use by itself. Busy cars stand at half (Kia: 0.46)."""

_LEAST_ROOM: Final = 0.1
_STANDARD_BITS: Final = 47
_EXTENDED_BITS: Final = 67
"""Start of frame to interframe space without payload (ISO 11898-1, 10.4)."""

_FD_SLOW_BITS: Final = 30
_FD_FAST_BITS: Final = 28
_FD_SPEED_UP: Final = 4
"""CAN FD: arbitration and end at 500 kbit/s, the rest at 2 Mbit/s."""

_CLASSIC_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BusShare:
    """How much of its bus a car uses.

    Attributes:
        bit_time_s: Seconds per bit; shorter than at 500 kbit/s only if the recording is too busy
            for that speed (a faster bus, or two buses in one recording).
        load: Share of the time in which frames are on the bus.
    """

    bit_time_s: float
    load: float

    @classmethod
    def of(cls, frames: Frames) -> BusShare:
        """The share that `frames` (sorted, at least one) use."""
        at_usual_speed = load_of(frames)
        load = min(at_usual_speed, MOST_GENUINE_LOAD)
        share = load / at_usual_speed if at_usual_speed > 0 else 1.0
        return cls(bit_time_s=BIT_TIME_S * share, load=load)

    def duration_s(self, frames: Frames) -> NDArray[np.float64]:
        """How long each frame is on the bus [N]."""
        return frame_bits(frames) * self.bit_time_s

    def shortest_gap_s(self, dlc: int, extended: bool = False) -> float:
        """Mean gap between added frames of `dlc` bytes with which the bus isn't overloaded."""
        bits = _bits(np.array([dlc]), np.array([extended]))[0]
        return float(bits) * self.bit_time_s / self.room

    @property
    def room(self) -> float:
        """Share of the bus that added frames may use."""
        return max(MOST_LOAD - self.load, _LEAST_ROOM)


def load_of(frames: Frames) -> float:
    """Share of the time in which `frames` (sorted) are on a bus of 500 kbit/s."""
    duration_s = float(frames.timestamp[-1] - frames.timestamp[0]) if len(frames) else 0.0
    return float(frame_bits(frames).sum()) * BIT_TIME_S / duration_s if duration_s > 0 else 0.0


def frame_bits(frames: Frames) -> NDArray[np.float64]:
    """Bits of each frame with interframe space, in bits of 500 kbit/s, none stuffed [N]."""
    return _bits(frames.dlc, (frames.arbitration_id & EXTENDED_FLAG) != 0)


def waiting_s(ready_s: NDArray[np.float64], duration_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long each frame waits for those before it [N]; first come, first served.

    The start of frame i is max over j <= i of (ready_j + sum of duration_j ... duration_(i-1)).

    Args:
        ready_s: When each frame could be sent, sorted [N].
        duration_s: How long each is on the bus [N].
    """
    before_s = np.cumsum(duration_s) - duration_s
    start_s = np.maximum.accumulate(ready_s - before_s) + before_s
    return np.maximum(start_s - ready_s, 0.0)


def _bits(dlc: NDArray[np.integer], extended: NDArray[np.bool_]) -> NDArray[np.float64]:
    payload = 8.0 * dlc
    classic = np.where(extended, _EXTENDED_BITS, _STANDARD_BITS) + payload
    flexible = _FD_SLOW_BITS + (_FD_FAST_BITS + payload) / _FD_SPEED_UP
    return np.where(dlc > _CLASSIC_BYTES, flexible, classic)
