"""What `detect` and `serve` do with the frames of a stream."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from can_train.cli.calibration import show_thresholds
from can_train.cli.detecting import Teller
from can_train.cli.sources import Source, tell
from can_train.errors import EXIT_INTERRUPTED, DataError

if TYPE_CHECKING:
    from can_train.detectors.frame_scorer import FrameScorer
    from can_train.frames.frame import Frames
    from can_train.streaming.detection import Alert, Detection, StreamSummary
    from can_train.streaming.scorer import Decision

_TOLD_EVERY_S: Final = 1.0
"""Dropped frames are told of at most so often."""


class Watcher(Protocol):
    """Who else is told what happens; all of it in the thread that follows the stream."""

    def begin(self, detector: FrameScorer) -> None:
        """Detection begins, with the thresholds that the detector has now."""

    def take(self, frames: Frames, dropped: int, left_out: int) -> None:
        """Frames that were scored; how many were dropped so far, and left out as CAN FD."""

    def decide(self, decision: Decision) -> None:
        """What is said of a window."""

    def alert(self, alert: Alert) -> None:
        """There is something to tell of an event."""

    def end(self, summary: StreamSummary, dropped: int) -> None:
        """The stream is over."""


def follow(
    args: argparse.Namespace,
    detector: FrameScorer,
    source: Source,
    watcher: Watcher | None = None,
) -> int:
    """Shows alarms until the frames end, and what there was in sum; gives the exit code.

    Args:
        args: What was typed.
        detector: Scores.
        source: Gives the frames.
        watcher: Who else is told.

    Raises:
        DataError: Its first traffic can't be calibrated on.
    """
    from can_train.streaming.detection import Detection

    calibrated = None
    if args.calibrate is not None:
        calibrated = _calibrated(detector, source, args.calibrate)
    watch, code = None if watcher is None else watcher.decide, 0
    detection = Detection(detector, words=source.width // 8, watch=watch)
    if watcher is not None:
        watcher.begin(detector)
    with Teller(as_json=args.json, log=args.log, scorer=detection.scorer) as teller:
        try:
            if calibrated is not None:
                detection.warm(calibrated.stretch)
                _show(detection.take(calibrated.rest), teller, watcher)
            _follow(detection, source, teller, watcher)
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        _show(detection.end(), teller, watcher)
        summary, dropped = detection.summary(), source.dropped
        teller.summary(summary, dropped)
        if watcher is not None:
            watcher.end(summary, dropped)
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calibrated:
    """The traffic that thresholds were raised by, and what came behind it in the same piece."""

    stretch: Frames
    rest: Frames


def _calibrated(detector: FrameScorer, source: Source, seconds: float) -> _Calibrated:
    """Raises the thresholds for the vehicle of the first traffic.

    Raises:
        DataError: There is too little of it, or it looks attacked.
    """
    from can_train.detectors.recalibration import recalibrate, stretch_of
    from can_train.streaming.pacing import joined

    tell(f"{source.name}: calibrating on the first {seconds:g} s, which have to be benign")
    parts: list[Frames] = []
    begin_s = latest_s = None
    for block in source.blocks:
        if len(block):
            parts.append(block)
            begin_s = float(block.timestamp[0]) if begin_s is None else begin_s
            latest_s = max(float(block.timestamp.max()), begin_s if latest_s is None else latest_s)
            if latest_s - begin_s > seconds:
                break
    else:
        raise DataError(f"--calibrate: {source.name} ended before {seconds:g} s. Give less time")
    frames = joined(parts)
    stretch = stretch_of(frames, seconds / 60)
    try:
        result = recalibrate(detector, stretch, vehicle=source.name)
    except DataError as error:
        raise DataError(
            f"--calibrate: the first {seconds:g} s of {source.name} can't be calibrated on. {error}"
        ) from error
    result.apply(detector)
    show_thresholds(f"calibrated on the first {seconds:g} s", result, sys.stderr)
    return _Calibrated(stretch=stretch, rest=frames[len(stretch) :])


def _follow(detection: Detection, source: Source, teller: Teller, watcher: Watcher | None) -> None:
    """Until the frames end."""
    told, told_at = 0, 0.0
    for frames in source.blocks:
        _show(detection.take(frames), teller, watcher)
        if watcher is not None:
            watcher.take(frames, source.dropped, source.left_out)
        dropped, now = source.dropped, time.monotonic()
        if dropped > told and now - told_at >= _TOLD_EVERY_S:
            teller.dropped(dropped - told, dropped)
            told, told_at = dropped, now


def _show(alerts: Iterable[Alert], teller: Teller, watcher: Watcher | None) -> None:
    for alert in alerts:
        teller.alert(alert)
        if watcher is not None:
            watcher.alert(alert)
