"""Recordings as a stream brings them: in pieces, as fast as they are taken or as they were sent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from can_train.frames.frame import COLUMNS, Frames

PIECE: Final = 8_192
"""Frames of a piece: what is told of them comes at most so much later than it could."""

_TICK_S: Final = 0.02
"""Time between two pieces of a recording that is replayed at its own speed."""


def joined(parts: Sequence[Frames]) -> Frames:
    """Consecutive parts of one stream, at least one, as a whole."""
    return Frames(
        **{each.name: np.concatenate([each.of(part) for part in parts]) for each in COLUMNS}
    )


def in_pieces(frames: Frames) -> Iterator[Frames]:
    """A recording as fast as it is taken."""
    for begin in range(0, len(frames), PIECE):
        yield frames[begin : begin + PIECE]


def in_real_time(frames: Frames, speed: float = 1.0) -> Iterator[Frames]:
    """A recording as fast as it was sent: each frame when it is due, at most 20 ms later.

    Args:
        frames: The recording.
        speed: How many times as fast.
    """
    due_s = (np.maximum.accumulate(frames.timestamp) - frames.timestamp[0]) / speed
    began, done = time.monotonic(), 0
    while done < len(frames):
        upto = int(np.searchsorted(due_s, time.monotonic() - began, side="right"))
        yield frames[done:upto]
        done = upto
        time.sleep(_TICK_S)
