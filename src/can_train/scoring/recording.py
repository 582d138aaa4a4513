"""One recording that was never imported, and what a detector says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.events import Event, RecordingScores, events_of
from can_train.alarms.rule import severities_of, windows_apart
from can_train.alarms.sightings import Sightings, joined_sightings, sightings_of
from can_train.dataset.discovery import SourceFile
from can_train.dataset.labels import Labels
from can_train.dataset.reading import Report, read_labelled, timed_buses
from can_train.dataset.request import Reading
from can_train.detectors.frame_scorer import FrameScorer, ScoredWindows
from can_train.detectors.reasons import Reason
from can_train.errors import DataError
from can_train.frames.buses import Bus, named
from can_train.frames.result import ReadResult
from can_train.frames.timing import recorded_s
from can_train.graphs.columns import PackedGraphs
from can_train.scoring.peaks import Peaks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRecording:
    """The windows of one recording, scored.

    Attributes:
        file: As it was named.
        bus: Which bus of it, where it holds several; empty: the only one.
        format: Format in which it was read.
        labelled: Whether its labels count.
        frames: Number of frames.
        start_s: Timestamp of its first frame.
        duration_s: Seconds in which frames came.
        skipped: Malformed lines that were left out.
        windows: Every full window.
        severity: By scorer: that of each window, as an index into `alarms.rule.SEVERITIES` [B],
            int8.
        events: By scorer: what its windows above the threshold come to, by time.
        reasons: Of each event of the detector's own scorer: what moved the margin of its peak.
    """

    file: Path
    bus: str
    format: str
    labelled: bool
    frames: int
    start_s: float
    duration_s: float
    skipped: int
    windows: ScoredWindows
    severity: Mapping[str, NDArray[np.int8]]
    events: Mapping[str, tuple[Event, ...]]
    reasons: tuple[tuple[Reason, ...], ...]

    @property
    def name(self) -> str:
        """The file with the bus."""
        return named(self.file, self.bus)

    @property
    def attack_windows(self) -> int | None:
        """Windows with an attack frame; None where the file has no labels."""
        return int(self.windows.label.sum()) if self.labelled else None


def score_file(
    detector: FrameScorer,
    file: SourceFile,
    reading: Reading,
    labels: Labels,
    report: Report,
) -> list[ScoredRecording]:
    """Reads one file whole and scores every full window of each of its buses.

    Args:
        detector: Scores.
        file: The file.
        reading: How it is read, and which bus is wanted.
        labels: Labels that stand in files of their own.
        report: Takes each line worth telling.

    Raises:
        DataError: It can't be read, is no recording, or is shorter than a window.
    """
    read = read_labelled(file, reading, labels, report).result
    return [
        _scored(detector, file.path, read, bus)
        for bus in timed_buses(file.path, read, reading, report)
    ]


def _scored(detector: FrameScorer, file: Path, read: ReadResult, bus: Bus) -> ScoredRecording:
    """One bus of a file."""
    frames, window = bus.frames, detector.spec.window
    if len(frames) < window:
        raise DataError(
            f"{bus.named(file)}: {len(frames)} frames are fewer than a window of {window}, so "
            f"there is nothing to score. Give a longer recording"
        )
    sightings: list[Sightings] = []
    peaks = Peaks(frames, detector)

    def watch(graphs: PackedGraphs, score: NDArray[np.float64]) -> None:
        seen = sightings_of(graphs, np.arange(len(graphs)), detector.spec)
        if seen is not None:
            sightings.append(seen)
        peaks.take(graphs, score)

    windows = detector.score(frames, watch)
    events = _events(detector, windows, sightings)
    return ScoredRecording(
        file=file,
        bus=bus.name,
        format=read.format,
        labelled=read.labelled,
        frames=len(frames),
        start_s=float(frames.timestamp[0]),
        duration_s=recorded_s(frames.timestamp),
        skipped=read.skipped,
        windows=windows,
        severity={
            name: severities_of(windows.score[name], at.value, detector.rule, _apart(detector))
            for name, at in detector.thresholds.items()
        },
        events=events,
        reasons=peaks.reasons(events[detector.own.spec.row]),
    )


def _events(
    detector: FrameScorer, windows: ScoredWindows, sightings: Sequence[Sightings]
) -> dict[str, tuple[Event, ...]]:
    """Events of each scorer."""
    seen = joined_sightings(sightings) if sightings else None
    found = {}
    for name, threshold in detector.thresholds.items():
        timed = RecordingScores(
            start_s=windows.start_s,
            end_s=windows.end_s,
            score=windows.score[name],
            threshold=threshold.value,
        )
        found[name] = events_of(timed, detector.rule, _apart(detector), seen)
    return found


def _apart(detector: FrameScorer) -> int:
    return windows_apart(detector.spec.window, detector.spec.stride)
