"""Frames of one recording as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.paging import in_pieces

EXTENDED_FLAG: Final = np.uint32(0x8000_0000)
"""Bit 31 of an arbitration ID marks a 29-bit (extended) identifier, as in linux/can.h."""

MAX_STANDARD_ID: Final = 0x7FF
MAX_EXTENDED_ID: Final = 0x1FFF_FFFF


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

    def __getitem__(self, rows: slice | NDArray[np.bool_]) -> Frames:
        return Frames(**{column.name: column.of(self)[rows] for column in COLUMNS})

    @property
    def payload_words(self) -> NDArray[np.uint64]:
        """Payload as 64-bit words [N, P / 8]; for XOR and bit counts only."""
        return np.ascontiguousarray(self.payload).view(np.uint64)

    def widened(self, width: int) -> Frames:
        """The same frames with payloads padded to `width` bytes, if they are narrower."""
        more = width - self.payload.shape[1]
        if more <= 0:
            return self
        return replace(self, payload=np.pad(self.payload, ((0, 0), (0, more))))

    def digest(self) -> str:
        """sha256 over all columns; two recordings with one digest are the same recording."""
        sha = hashlib.sha256(f"frames-1 {len(self)} {self.payload.shape[1]}".encode())
        for column in COLUMNS:
            for piece in in_pieces(column.of(self)):
                sha.update(np.ascontiguousarray(piece).data)
        return sha.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesColumn:
    """One column of `Frames`.

    Attributes:
        name: Its name, also that of its file.
        dtype: How it is stored, with the byte order.
        of: Gives the column of some frames.
    """

    name: str
    dtype: str
    of: Callable[[Frames], NDArray[Any]]


COLUMNS: Final = (
    FramesColumn(name="timestamp", dtype="<f8", of=lambda frames: frames.timestamp),
    FramesColumn(name="arbitration_id", dtype="<u4", of=lambda frames: frames.arbitration_id),
    FramesColumn(name="dlc", dtype="|u1", of=lambda frames: frames.dlc),
    FramesColumn(name="payload", dtype="|u1", of=lambda frames: frames.payload),
    FramesColumn(name="label", dtype="|u1", of=lambda frames: frames.label),
)
"""All columns of `Frames`; their order is part of the digest."""
