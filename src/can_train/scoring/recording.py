"""One recording that was never imported, and what a detector says about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from can_train.detectors.frame_scorer import FrameScorer, ScoredWindows
from can_train.errors import DataError
from can_train.frames.readers import read_recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read.

    Attributes:
        format: Name of their format; None: recognised by content.
        lenient: Leave malformed lines of a text out and count them.
    """

    format: str | None = None
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRecording:
    """The windows of one recording, scored.

    Attributes:
        file: As it was named.
        format: Format in which it was read.
        labelled: Whether its labels count.
        frames: Number of frames.
        start_s: Timestamp of its first frame.
        duration_s: Largest timestamp minus smallest.
        skipped: Malformed lines that were left out.
        windows: Every full window.
    """

    file: Path
    format: str
    labelled: bool
    frames: int
    start_s: float
    duration_s: float
    skipped: int
    windows: ScoredWindows

    @property
    def attack_windows(self) -> int | None:
        """Windows with an attack frame; None where the file has no labels."""
        return int(self.windows.label.sum()) if self.labelled else None


def score_file(detector: FrameScorer, file: Path, reading: Reading) -> ScoredRecording:
    """Reads one recording whole and scores every full window of it.

    Raises:
        DataError: It can't be read, is no recording, or is shorter than a window.
    """
    read = read_recording(file, format=reading.format, lenient=reading.lenient)
    frames, window = read.frames, detector.spec.window
    if len(frames) < window:
        raise DataError(
            f"{file}: {len(frames)} frames are fewer than a window of {window}, so there is "
            f"nothing to score. Give a longer recording"
        )
    return ScoredRecording(
        file=file,
        format=read.format,
        labelled=read.labelled,
        frames=len(frames),
        start_s=float(frames.timestamp[0]),
        duration_s=float(frames.timestamp.max() - frames.timestamp.min()),
        skipped=read.skipped,
        windows=detector.score(frames),
    )
