"""Where `detect` gets its frames, and what it does with them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.cli.calibration import show_thresholds
from can_train.cli.detecting import Teller
from can_train.cli.reading import reading_of
from can_train.errors import EXIT_INTERRUPTED, DataError

if TYPE_CHECKING:
    from can_train.detectors.frame_scorer import FrameScorer
    from can_train.frames.frame import Frames
    from can_train.streaming.bus import BusFrames
    from can_train.streaming.detection import Alert, Detection

_STDIN: Final = "-"
_TOLD_EVERY_S: Final = 1.0
"""Dropped frames are told of at most so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where frames come from.

    Attributes:
        name: As it was typed.
        blocks: The frames, piece by piece.
        width: Bytes of a payload.
        bus: The live bus, if it is one.
    """

    name: str
    blocks: Iterator[Frames]
    width: int
    bus: BusFrames | None = None

    @property
    def dropped(self) -> int:
        """Frames that had to go because scoring was too slow."""
        return 0 if self.bus is None else self.bus.ring.dropped

    def stop(self) -> None:
        """Closes the bus."""
        if self.bus is not None:
            self.bus.stop()


def source_of(args: argparse.Namespace) -> Source:
    """What was typed, opened.

    Raises:
        PreflightError: The bus can't be opened.
        DataError: The recording can't be read, or holds several buses.
    """
    if args.file is None:
        return _bus(args)
    if args.file == _STDIN:
        from can_train.streaming.lines import frames_of_lines

        width = 64 if args.fd else 8
        blocks = frames_of_lines(sys.stdin.fileno(), _tell, width)
        return Source(name="standard input", blocks=blocks, width=width)
    from can_train.streaming.pacing import in_pieces, in_real_time

    frames = _recorded(args, Path(args.file))
    blocks = (in_real_time if args.realtime else in_pieces)(frames)
    return Source(name=args.file, blocks=blocks, width=frames.payload.shape[1])


def follow(args: argparse.Namespace, detector: FrameScorer, source: Source) -> int:
    """Shows alarms until the frames end, and what there was in sum; gives the exit code.

    Raises:
        DataError: Its first traffic can't be calibrated on.
    """
    from can_train.streaming.detection import Detection

    calibrated = None
    if args.calibrate is not None:
        calibrated = _calibrated(detector, source, args.calibrate)
    detection, code = Detection(detector, words=source.width // 8), 0
    with Teller(as_json=args.json, log=args.log, scorer=detection.scorer) as teller:
        try:
            if calibrated is not None:
                detection.warm(calibrated.stretch)
                _show(detection.take(calibrated.rest), teller)
            _follow(detection, source, teller)
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        _show(detection.end(), teller)
        teller.summary(detection.summary(), source.dropped)
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

    _tell(f"{source.name}: calibrating on the first {seconds:g} s, which have to be benign")
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


def _follow(detection: Detection, source: Source, teller: Teller) -> None:
    """Until the frames end."""
    told, told_at = 0, 0.0
    for frames in source.blocks:
        _show(detection.take(frames), teller)
        dropped, now = source.dropped, time.monotonic()
        if dropped > told and now - told_at >= _TOLD_EVERY_S:
            teller.dropped(dropped - told, dropped)
            told, told_at = dropped, now


def _show(alerts: Iterable[Alert], teller: Teller) -> None:
    for alert in alerts:
        teller.alert(alert)


def _bus(args: argparse.Namespace) -> Source:
    from can_train.streaming.bus import BusAddress, BusFrames

    bus = BusFrames(BusAddress.of(args.bus, fd=args.fd), _tell)
    return Source(name=args.bus, blocks=bus.blocks(), width=64 if args.fd else 8, bus=bus)


def _recorded(args: argparse.Namespace, path: Path) -> Frames:
    """The only bus of a recording, or the one that was named."""
    from can_train.dataset.discovery import lone_file
    from can_train.dataset.labels import Labels
    from can_train.dataset.reading import read_labelled, timed_buses

    reading, file = reading_of(args), lone_file(path)
    read = read_labelled(file, reading, Labels(None, [file]), _tell).result
    buses = timed_buses(path, read, reading, _tell)
    if len(buses) > 1:
        raise DataError(
            f"{path}: holds {len(buses)} buses, and a stream is of one. Name it: "
            f"--bus {buses[0].name}"
        )
    return buses[0].frames


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
