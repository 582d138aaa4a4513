"""Frames of one recording as columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

EXTENDED_FLAG: Final = np.uint32(0x8000_0000)
"""Bit 31 of an arbitration ID marks a 29-bit (extended) identifier, as in linux/can.h."""

MAX_STANDARD_ID: Final = 0x7FF


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """N consecutive CAN frames of one recording, in recording order.

    Attributes:
        timestamp: Seconds [N], float64; not always increasing (see docs/concepts/data.md).
        arbitration_id: [N], uint32; bit 31 set for extended identifiers.
        dlc: Number of payload bytes [N], uint8 (0-8, CAN FD 0-64).
        payload: Zero-padded bytes [N, P], uint8, C-contiguous, P = 8, or 64 for CAN FD.
        label: 0 benign, 1 attack [N], uint8.
    """

    timestamp: NDArray[np.float64]
    arbitration_id: NDArray[np.uint32]
    dlc: NDArray[np.uint8]
    payload: NDArray[np.uint8]
    label: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.timestamp)

    def __getitem__(self, rows: slice) -> Frames:
        return Frames(
            timestamp=self.timestamp[rows],
            arbitration_id=self.arbitration_id[rows],
            dlc=self.dlc[rows],
            payload=self.payload[rows],
            label=self.label[rows],
        )

    @property
    def payload_words(self) -> NDArray[np.uint64]:
        """Payload as 64-bit words [N, P / 8]; for XOR and bit counts only."""
        return np.ascontiguousarray(self.payload).view(np.uint64)

    def digest(self) -> str:
        """sha256 over all columns; two recordings with one digest are the same recording."""
        sha = hashlib.sha256(f"frames-1 {len(self)} {self.payload.shape[1]}".encode())
        for column in (self.timestamp, self.arbitration_id, self.dlc, self.payload, self.label):
            sha.update(np.ascontiguousarray(column).data)
        return sha.hexdigest()
