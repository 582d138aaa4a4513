"""A 500 kbit/s CAN bus: how long each frame takes and which one goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled

BIT_TIME_US: Final = 2
"""500 kbit/s."""

INTERFRAME_BITS: Final = 3
_HEADER_BITS: Final = 19
"""Start of frame, 11-bit identifier, RTR, IDE, r0, four bits of DLC (ISO 11898-1)."""

_CRC_BITS: Final = 15
_CRC_POLYNOMIAL: Final = 0x4599
_TAIL_BITS: Final = 10
"""CRC delimiter, two bits of acknowledgement, seven of end of frame: never stuffed."""

_STUFF_AFTER: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """N frames: waiting to be sent, or as seen on the bus.

    Attributes:
        time_us: When the sender is ready, or when the frame's last bit was seen [N], int64,
            microseconds since the start of the recording.
        arbitration_id: [N], int64.
        dlc: [N], uint8.
        payload: Zero-padded bytes [N, 8], uint8.
        label: 0 benign, 1 attack [N], uint8.
    """

    time_us: NDArray[np.int64]
    arbitration_id: NDArray[np.int64]
    dlc: NDArray[np.uint8]
    payload: NDArray[np.uint8]
    label: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Traffic:
        """The frames `rows`: positions, or a mask [N]."""
        return Traffic(
            time_us=self.time_us[rows],
            arbitration_id=self.arbitration_id[rows],
            dlc=self.dlc[rows],
            payload=self.payload[rows],
            label=self.label[rows],
        )


def join(parts: list[Traffic]) -> Traffic:
    """All frames of `parts`, one part after the other."""
    return Traffic(
        time_us=np.concatenate([part.time_us for part in parts]),
        arbitration_id=np.concatenate([part.arbitration_id for part in parts]),
        dlc=np.concatenate([part.dlc for part in parts]),
        payload=np.concatenate([part.payload for part in parts]),
        label=np.concatenate([part.label for part in parts]),
    )


def transmit(waiting: Traffic) -> Traffic:
    """Frames as a listener sees them.

    Whenever the bus falls idle the waiting frame with the lowest identifier is sent; frames of
    one identifier keep their order. A sender that asks while a frame is on the bus waits.

    Args:
        waiting: Frames with the times at which their senders are ready, in any order.

    Returns:
        The same frames in the order of the bus; `time_us` is the end of each frame, the three
        bits of interframe space not included.
    """
    waiting = waiting.take(np.argsort(waiting.time_us, kind="stable"))
    duration_us = frame_bits(waiting) * BIT_TIME_US
    order, end_us = _arbitrate(
        waiting.time_us, waiting.arbitration_id, duration_us, INTERFRAME_BITS * BIT_TIME_US
    )
    seen = waiting.take(order)
    return Traffic(
        time_us=end_us,
        arbitration_id=seen.arbitration_id,
        dlc=seen.dlc,
        payload=seen.payload,
        label=seen.label,
    )


def frame_bits(traffic: Traffic) -> NDArray[np.int64]:
    """Bits of each frame on the wire [N], stuff bits counted exactly, without interframe space.

    44 + 8 DLC bits plus one stuff bit after every five equal bits from the start of frame to
    the end of the CRC (ISO 11898-1, 10.5).
    """
    bits: NDArray[np.int64] = _stuffed_bits(traffic.arbitration_id, traffic.dlc, traffic.payload)
    return bits


@compiled()
def _stuffed_bits(
    arbitration_id: NDArray[np.int64], dlc: NDArray[np.uint8], payload: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Bits per frame [N]: one pass over each frame's bits, CRC and run length alongside."""
    bits = np.empty(len(arbitration_id), dtype=np.int64)
    for row in range(len(arbitration_id)):
        header = (arbitration_id[row] << 7) | np.int64(dlc[row])
        before_crc = _HEADER_BITS + 8 * np.int64(dlc[row])
        crc, run, last, stuffed = np.int64(0), 0, np.int64(-1), 0
        for at in range(before_crc + _CRC_BITS):
            if at < _HEADER_BITS:
                bit = (header >> (_HEADER_BITS - 1 - at)) & 1
            elif at < before_crc:
                place = at - _HEADER_BITS
                bit = np.int64(payload[row, place // 8] >> (7 - place % 8)) & 1
            else:
                bit = (crc >> (_CRC_BITS - 1 - at + before_crc)) & 1
            if at < before_crc:
                feedback = bit ^ (crc >> (_CRC_BITS - 1))
                crc = ((crc << 1) & 0x7FFF) ^ (feedback * _CRC_POLYNOMIAL)
            run = run + 1 if bit == last else 1
            last = bit
            if run == _STUFF_AFTER:
                stuffed += 1
                run, last = 1, 1 - bit
        bits[row] = before_crc + _CRC_BITS + stuffed + _TAIL_BITS
    return bits


@compiled()
def _arbitrate(
    ready_us: NDArray[np.int64],
    arbitration_id: NDArray[np.int64],
    duration_us: NDArray[np.int64],
    space_us: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of transmission and end of each frame [N], for frames sorted by `ready_us`."""
    frames = len(ready_us)
    order = np.empty(frames, dtype=np.int64)
    end_us = np.empty(frames, dtype=np.int64)
    queue = np.empty(frames, dtype=np.int64)  # identifier and row in one key, largest first
    queued, arrived, idle_us = 0, 0, np.int64(0)
    for sent in range(frames):
        if queued == 0:
            idle_us = max(idle_us, ready_us[arrived])
        while arrived < frames and ready_us[arrived] <= idle_us:
            key = (arbitration_id[arrived] << 32) | arrived
            place = queued
            while place > 0 and queue[place - 1] < key:
                queue[place] = queue[place - 1]
                place -= 1
            queue[place] = key
            queued += 1
            arrived += 1
        queued -= 1
        row = queue[queued] & 0xFFFFFFFF
        order[sent] = row
        end_us[sent] = idle_us + duration_us[row]
        idle_us = end_us[sent] + space_us
    return order, end_us
