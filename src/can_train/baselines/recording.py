"""What somebody else's detector sees of a recording: its frames, and nothing that tells more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import EXTENDED_FLAG, Frames


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnlabelledRecording:
    """F consecutive frames of one recording, in recording order, without their labels.

    It holds no name, path or date either: nothing tells a training recording from a test
    recording. All arrays are read-only.

    Attributes:
        time: Seconds since its first frame, as they were recorded [F], float64; not always
            increasing (see docs/concepts/data.md).
        id: Arbitration ID without flags [F], uint32.
        extended: Whether it is a 29-bit identifier [F], bool.
        dlc: Number of payload bytes [F], uint8.
        payload: Payload bytes, padded with zeros [F, P], uint8; P is 8, or 64 for CAN FD.
        window, stride: Frames of a window of the evaluated run, and from one to the next.
    """

    time: NDArray[np.float64]
    id: NDArray[np.uint32]
    extended: NDArray[np.bool_]
    dlc: NDArray[np.uint8]
    payload: NDArray[np.uint8]
    window: int
    stride: int

    def __len__(self) -> int:
        """F."""
        return len(self.time)

    @property
    def starts(self) -> NDArray[np.int64]:
        """First frame of each of its B windows [B], int64."""
        return np.arange(0, len(self) - self.window + 1, self.stride, dtype=np.int64)


def unlabelled(
    frames: Frames, window: int, stride: int, start: int = 0, stop: int | None = None
) -> UnlabelledRecording:
    """Frames `start` to `stop` (exclusive; None: all) of a recording.

    Args:
        frames: Of the whole recording.
        window, stride: Of the evaluated run.
        start, stop: Which of them.
    """
    part = slice(start, stop)
    time_s = frames.timestamp[part]
    flagged = frames.arbitration_id[part]
    return UnlabelledRecording(
        time=_sealed(time_s - time_s[:1]),
        id=_sealed(flagged & ~EXTENDED_FLAG),
        extended=_sealed((flagged & EXTENDED_FLAG) != 0),
        dlc=_sealed(frames.dlc[part]),
        payload=_sealed(frames.payload[part]),
        window=window,
        stride=stride,
    )


def _sealed(values: NDArray[Any]) -> NDArray[Any]:
    """A copy that can't be written to, nor asked for the file that it was read from."""
    copy = np.frombuffer(np.ascontiguousarray(values).tobytes(), values.dtype)
    return copy.reshape(values.shape)
