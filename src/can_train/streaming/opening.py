"""Streams from trained detectors."""

from __future__ import annotations

import numpy as np

from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames
from can_train.streaming.scorer import Streamed, StreamingScorer


def stream_of(detector: FrameScorer, *, words: int = 1) -> StreamingScorer:
    """What scores one stream of frames as `detector` scores whole recordings.

    Thresholds and profiles are those that it has now (`--calibrate-on` included).

    Args:
        detector: A trained detector with those that it fuses.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """
    scorers = detector.window_scorers()
    streamed = [
        Streamed(
            name=each.spec.row,
            scorer=scorers[name],
            threshold=each.threshold,
            evidence=each.evidence,
        )
        for name, each in detector.detectors.items()
    ]
    return StreamingScorer(
        detector.spec,
        streamed,
        vehicles=detector.own.vehicles,
        words=words,
        rule=detector.rule,
    )


def rehearse(detector: FrameScorer, *, words: int = 1) -> None:
    """Scores a window of made-up frames, so that all is loaded when those of a live bus come.

    Args:
        detector: A trained detector with those that it fuses; it stays what it is.
        words: 64-bit words per payload (1, or 8 for CAN FD).
    """
    count = detector.spec.window
    frames = Frames(
        timestamp=np.arange(count) / 1000.0,
        arbitration_id=np.arange(count, dtype=np.uint32) % 8,
        dlc=np.full(count, 8, np.uint8),
        payload=np.zeros((count, 8 * words), np.uint8),
        label=np.zeros(count, np.uint8),
    )
    for _ in stream_of(detector, words=words).push(frames):
        pass
