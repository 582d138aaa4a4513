"""What `can-train detect` keeps up with, and whether it grows.

    python -m benchmarks.detecting BUNDLE FILE ... --hours 1

Benign recordings are played one after the other, over and over, as one stream of so many hours, as
fast as it is taken: frames per second, time for a decision, and memory at its begin and end. Then a
thread offers frames at 50,000 per second through the ring that stands behind a live bus.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.hour import MINUTES_PER_HOUR, pieces_of
from benchmarks.memory import resident_mb
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.streaming.detection import Detection
from can_train.streaming.pacing import in_pieces
from can_train.streaming.ring import FrameRing

OFFERED_PER_S: Final = 50_000
OVERLOAD_S: Final = 5.0
ROOM: Final = 4096
_TICK_S: Final = 0.005


def main() -> None:
    """Prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--hours", type=float, default=1.0)
    args = parser.parse_args()
    detector = load_detector(args.bundle)
    recordings = [read_recording(file).frames for file in args.files]
    _replayed(detector, recordings, args.hours)
    _overloaded(detector, recordings[0])


def _replayed(detector: FrameScorer, recordings: Sequence[Frames], hours: float) -> None:
    detection = Detection(detector, words=recordings[0].payload.shape[1] // 8)
    for frames in recordings:  # compiled, and every ID met
        _taken(detection, frames)
    begun = detection.summary()
    memory, wall, cpu = resident_mb(), time.perf_counter(), time.process_time()
    for piece in pieces_of(recordings, hours * MINUTES_PER_HOUR):
        for _ in detection.take(piece):
            pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ended = detection.summary()
    frames_taken = ended.frames - begun.frames
    median, high = ended.decision_ms or (0.0, 0.0)
    print(
        f"{hours:g} h of traffic, {frames_taken:,} frames, alarms {ended.alarms:,}: "
        f"{frames_taken / wall:,.0f} frames/s ({frames_taken / cpu:,.0f} per CPU-second), per "
        f"decision {median:.3g} ms, p99 {high:.3g} ms; memory {memory:.1f} MB, then "
        f"{resident_mb():.1f} MB; load average {os.getloadavg()[0]:.2f}",
        flush=True,
    )


def _taken(detection: Detection, frames: Frames) -> int:
    return sum(1 for piece in in_pieces(frames) for _ in detection.take(piece))


def _overloaded(detector: FrameScorer, frames: Frames) -> None:
    ring, detection = FrameRing(ROOM, frames.payload.shape[1]), Detection(detector)
    sender = threading.Thread(target=_offer, args=(ring, frames))
    sender.start()
    began = time.perf_counter()
    while (waiting := ring.take(0.1)) is not None:
        for _ in detection.take(waiting):
            pass
    seconds, taken = time.perf_counter() - began, detection.summary().frames
    sender.join()
    print(
        f"overload: offered {ring.offered:,} ({ring.offered / seconds:,.0f} per second), taken "
        f"{taken:,}, dropped {ring.dropped:,}, unaccounted for "
        f"{ring.offered - taken - ring.dropped:,}"
    )


def _offer(ring: FrameRing, frames: Frames) -> None:
    """As many frames as the clock says, without waiting for anybody."""
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < OVERLOAD_S:
        while sent < passed * OFFERED_PER_S:
            row = sent % len(frames)
            payload = frames.payload[row, : frames.dlc[row]].tobytes()
            ring.put(float(frames.timestamp[row]), int(frames.arbitration_id[row]), payload)
            sent += 1
        time.sleep(_TICK_S)
    ring.close()


if __name__ == "__main__":
    main()
