"""Frames between whoever receives them and whoever scores them: bounded, the oldest go first."""

from __future__ import annotations

from threading import Condition
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames

ROOM: Final = 65_536
"""Frames that may wait: 14 s of a full bus at 500 kbit/s."""


class FrameRing:
    """Takes frames from one thread and gives them to another.

    Args:
        room: Frames that may wait.
        width: Bytes of a payload (8, or 64 for CAN FD).

    Attributes:
        offered: Frames that were put so far.
        dropped: Frames among them that had to go before anybody took them.
    """

    def __init__(self, room: int = ROOM, width: int = 8) -> None:
        self._timestamp = np.zeros(room)
        self._arbitration_id = np.zeros(room, np.uint32)
        self._dlc = np.zeros(room, np.uint8)
        self._payload = np.zeros((room, width), np.uint8)
        self._changed = Condition()
        self._taken = 0
        self._closed = False
        self.offered = 0
        self.dropped = 0

    def put(self, timestamp: float, arbitration_id: int, payload: bytes | bytearray) -> None:
        """Adds a frame; where there is no room, the oldest one goes.

        Args:
            timestamp: Seconds.
            arbitration_id: With bit 31 set for an extended one.
            payload: No longer than the ring is wide.
        """
        count, room = len(payload), len(self._timestamp)
        with self._changed:
            row = self.offered % room
            if self.offered - self._taken == room:
                self._taken += 1
                self.dropped += 1
            self._timestamp[row], self._arbitration_id[row] = timestamp, arbitration_id
            self._dlc[row] = count
            self._payload[row, :count] = np.frombuffer(payload, np.uint8)
            self._payload[row, count:] = 0
            self.offered += 1
            self._changed.notify()

    def close(self) -> None:
        """Tells that no further frame will come."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self, wait_s: float) -> Frames | None:
        """All frames that wait, oldest first; None once it is closed and empty.

        Args:
            wait_s: How long it waits for a first one.
        """
        with self._changed:
            if self.offered == self._taken and not self._closed:
                self._changed.wait(wait_s)
            if self.offered == self._taken and self._closed:
                return None
            rows = np.arange(self._taken, self.offered) % len(self._timestamp)
            self._taken = self.offered
            return self._of(rows)

    def _of(self, rows: NDArray[np.int64]) -> Frames:
        return Frames(
            timestamp=self._timestamp[rows],
            arbitration_id=self._arbitration_id[rows],
            dlc=self._dlc[rows],
            payload=self._payload[rows],
            label=np.zeros(len(rows), np.uint8),
        )
