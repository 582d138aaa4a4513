"""An hour of traffic through a stream, frame by frame: memory, and scores beside the batch path.

    python -m benchmarks.hour RUN FILE ... [--hours 1] [--experiment-root DIR]

The files are played one after the other, over and over, on one clock; each frame is handed over
alone, as from a bus (`StreamingScorer.push_one`). Printed are, after the first minute of traffic
and after every ten: frames, decisions, distinct IDs, events that ended, resident memory, and what
it grew by since the first minute. Then the same hour is scored as one recording
(`FrameScorer.score`), and each scorer's greatest difference is printed, absolute and as a share of
the score where that is above 1; windows whose share is above 1e-5, and those that are above the
threshold in one way only, are counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, cycle
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import resident_mb
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.streaming.opening import rehearse, stream_of
from can_train.streaming.pacing import in_pieces, joined
from can_train.streaming.scorer import StreamingScorer

S_PER_MINUTE: Final = 60.0
MINUTES_PER_HOUR: Final = 60.0
EVERY_MINUTES: Final = 10.0
BETWEEN_S: Final = 0.01
"""From the last frame of a recording to the first of the next."""

TOLERANCE: Final = 1e-5
COLUMNS: Final = (
    "minutes", "frames", "decisions", "IDs", "events", "memory MB", "since the first minute",
)  # fmt: skip


@dataclass(slots=True, kw_only=True, eq=False)
class Said:
    """What a stream said of its windows; room for it is there from the beginning.

    Attributes:
        score: By scorer [decisions], float64.
        above: By scorer: whether that is above the threshold [decisions], bool.
        decisions: How many there were.
        events: Events that ended.
    """

    score: dict[str, NDArray[np.float64]]
    above: dict[str, NDArray[np.bool_]]
    decisions: int = 0
    events: int = 0

    @classmethod
    def nothing(cls, names: Sequence[str], most: int) -> Said:
        """Room for so many decisions, touched so that the system has given it."""
        return cls(
            score={name: np.full(most, np.nan) for name in names},
            above={name: np.ones(most, bool) for name in names},
        )


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--experiment-root", type=Path, metavar="DIR")
    args = parser.parse_args()
    recordings = [read_recording(file).frames for file in args.files]
    detector = load_detector(args.run, experiment_root=args.experiment_root)
    detector.limit_threads()
    minutes = args.hours * MINUTES_PER_HOUR
    said = _streamed(detector, recordings, minutes)
    _compared(detector, joined(list(pieces_of(recordings, minutes))), said)


def pieces_of(recordings: Sequence[Frames], minutes: float) -> Iterator[Frames]:
    """The recordings over and over on one clock, some thousand frames at a time."""
    at_s = 0.0
    for frames in cycle(recordings):
        begin_s, span_s = float(frames.timestamp.min()), float(np.ptp(frames.timestamp))
        for piece in in_pieces(frames):
            moved = replace(piece, timestamp=piece.timestamp - begin_s + at_s)
            if moved.timestamp[0] >= minutes * S_PER_MINUTE:
                return
            yield moved
        at_s += span_s + BETWEEN_S


def _streamed(detector: FrameScorer, recordings: Sequence[Frames], minutes: float) -> Said:
    """Every frame alone; memory is looked at between two of them."""
    words = recordings[0].payload.shape[1] // 8
    rehearse(detector, words=words)
    frames = sum(map(len, pieces_of(recordings, minutes)))
    said = Said.nothing(list(detector.thresholds), frames // detector.spec.stride + 1)
    stream = stream_of(detector, words=words)
    marks = (EVERY_MINUTES * number if number else 1.0 for number in count())
    mark, first, taken = next(marks), 0.0, 0
    _row(COLUMNS)
    began = time.process_time()
    for piece in pieces_of(recordings, minutes):
        _taken(stream, piece, said)
        taken += len(piece)
        if piece.timestamp[-1] >= mark * S_PER_MINUTE:
            memory = resident_mb()
            first = first or memory
            cells = (mark, taken, said.decisions, stream.graphs.slot_count, said.events)
            _row((*(f"{cell:,.0f}" for cell in cells), f"{memory:.2f}", f"{memory - first:+.2f}"))
            mark = next(marks)
    cpu = time.process_time() - began
    print(
        f"at the end: {taken:,} frames, {said.decisions:,} decisions, memory {resident_mb():.2f} "
        f"MB; {taken / cpu:,.0f} frames per CPU-second, one at a time",
        flush=True,
    )
    return said


def _taken(stream: StreamingScorer, piece: Frames, said: Said) -> None:
    columns = (piece.timestamp, piece.arbitration_id, piece.dlc)
    for row, (at_s, known, dlc) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        decision = stream.push_one(at_s, known, piece.payload[row, :dlc].tobytes())
        if decision is not None:
            for name, verdict in decision.verdicts.items():
                said.score[name][said.decisions] = verdict.score
                said.above[name][said.decisions] = verdict.above
            said.decisions += 1
            said.events += len(decision.ended)


def _compared(detector: FrameScorer, frames: Frames, said: Said) -> None:
    """The same frames as one recording, beside what the stream said."""
    whole = detector.score(frames)
    print(f"\n{len(whole):,} windows of one recording of {len(frames):,} frames")
    if len(whole) != said.decisions:
        raise SystemExit(f"the stream made {said.decisions:,} decisions")
    _row(("scorer", "scores from", "to", "greatest", "as a share", "above 1e-5", "other verdict"))
    for name, score in whole.score.items():
        apart = np.abs(said.score[name][: len(score)] - score)
        share = apart / np.maximum(1.0, np.abs(score))
        other = np.count_nonzero(said.above[name][: len(score)] != whole.alarm[name])
        far = np.count_nonzero(share > TOLERANCE)
        _row((name, f"{score.min():.4g}", f"{score.max():.4g}", f"{apart.max():.2g}",
              f"{share.max():.2g}", f"{far:,}", f"{other:,}"))  # fmt: skip


def _row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)
    if cells is COLUMNS or cells[0] == "scorer":
        print("|---" * len(cells) + "|", flush=True)


if __name__ == "__main__":
    main()
