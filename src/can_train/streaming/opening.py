"""Streams from trained detectors."""

from __future__ import annotations

from can_train.detectors.frame_scorer import FrameScorer
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
