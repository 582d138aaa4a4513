"""Causal state of every arbitration ID of one recording, updated frame by frame.

The state is carried over all frames of a recording and starts empty at the next one. Fed
with any cut of the recording into chunks it gives the identical numbers, so a live stream
and the packed store agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.graphs.kernels.history import update_history
from can_train.graphs.past import (
    BitsColumn,
    BusColumn,
    CountColumn,
    FrameChunk,
    FrameColumn,
    History,
    NumberColumn,
    WindowColumn,
    WindowEnds,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkState:
    """State of n frames against the past, and of each of the m windows that end in them.

    Attributes:
        per_frame: `FrameColumn`s [n, 11], float32.
        per_window: `WindowColumn`s [m, 2], float32.
    """

    per_frame: NDArray[np.float32]
    per_window: NDArray[np.float32]


class IdState:
    """Per-ID history of one recording.

    Args:
        window: Frames per window.
        stride: Frames between window starts.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """

    def __init__(self, *, window: int, stride: int, words: int = 1) -> None:
        self.window = window
        self.stride = stride
        self.frames = 0
        self.history = _empty_history(0, words)

    def update(self, frames: Frames, slots: NDArray[np.int32], slot_count: int) -> ChunkState:
        """Compares the next n frames of the recording with the past, and adds them to it.

        Args:
            frames: The frames.
            slots: Slot of each frame's ID [n], from one `IdSlots` for the recording.
            slot_count: Slots assigned so far.
        """
        self.reserve(slot_count)
        n = len(frames)
        first_end = max(self.frames, self.window - 1)
        first_end += -(first_end - self.window + 1) % self.stride
        windows = max(0, -(-(self.frames + n - first_end) // self.stride))
        state = ChunkState(
            per_frame=np.empty((n, len(FrameColumn)), np.float32),
            per_window=np.empty((windows, len(WindowColumn)), np.float32),
        )
        update_history(
            FrameChunk(
                timestamps=frames.timestamp,
                slots=slots,
                payloads=frames.payload_words,
                dlcs=frames.dlc,
            ),
            self.history,
            WindowEnds(offset=self.frames, first=first_end, stride=self.stride),
            state.per_frame,
            state.per_window,
        )
        self.frames += n
        return state

    def reserve(self, slots: int) -> None:
        """Makes room for new slots, doubling it so that growing costs little per frame."""
        have = len(self.history.numbers)
        if slots <= have:
            return
        extra = _empty_history(max(slots, 2 * have, 64) - have, self.history.bits.shape[2])
        old = self.history
        self.history = History(
            numbers=np.concatenate([old.numbers, extra.numbers]),
            counts=np.concatenate([old.counts, extra.counts]),
            bits=np.concatenate([old.bits, extra.bits]),
            bus=old.bus,
            established=np.concatenate([old.established, extra.established]),
        )


def _empty_history(slots: int, words: int) -> History:
    return History(
        numbers=np.zeros((slots, len(NumberColumn))),
        counts=np.zeros((slots, len(CountColumn)), np.int64),
        bits=np.zeros((slots, len(BitsColumn), words), np.uint64),
        bus=np.zeros(len(BusColumn)),
        established=np.zeros(slots, np.int32),
    )
