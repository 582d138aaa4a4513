"""Scores one recording in a process of its own, within limits, and writes what a page shows of it.

Run as `python -m can_train.serving.judge DETECTOR EXPERIMENT_ROOT FILE`: one JSON object on stdout.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.discovery import lone_file
from can_train.dataset.labels import Labels
from can_train.dataset.request import AS_FOUND
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.errors import CanTrainError
from can_train.scoring.alerts import moment_text
from can_train.scoring.documents import id_text, reason_record
from can_train.scoring.recording import ScoredRecording, score_file

MOST_MEMORY: Final = 4_000_000_000
"""Bytes that reading and scoring may take on top of the program's own."""

MOST_CPU_S: Final = 300
NICENESS: Final = 5
MOST_EVENTS: Final = 200
MOST_NAMED: Final = 16
MOST_POINTS: Final = 600
MOST_BUSES: Final = 16
MOST_NOTES: Final = 20
LONGEST_NOTE: Final = 2_000


def main(argv: Sequence[str]) -> int:
    """Scores; a recording that can't be is told as `error`."""
    detector_path, root, name = argv
    _lower_priority()
    try:
        detector = load_detector(Path(detector_path), experiment_root=root)
        detector.limit_threads()
        _limit()
        answer = judged(detector, Path(name))
    except CanTrainError as error:
        answer = {"error": str(error)[:LONGEST_NOTE]}
    except MemoryError:
        answer = {"error": f"{name}: needs more than {MOST_MEMORY / 1e9:g} GB of memory to be read"}
    sys.stdout.write(json.dumps(answer, allow_nan=False))
    return 0


def judged(detector: FrameScorer, path: Path) -> dict[str, Any]:
    """What a detector says about a recording, in bounded length.

    Args:
        detector: Scores.
        path: The recording.

    Raises:
        DataError: It can't be read.
    """
    notes: list[str] = []
    file = lone_file(path)
    scored = score_file(detector, file, AS_FOUND, Labels(None, [file]), notes.append)
    scorer = detector.own.spec.row
    return {
        "scorer": scorer,
        "threshold": detector.thresholds[scorer].value,
        "rule": str(detector.rule),
        "recordings": [_recording(each, scorer) for each in scored[:MOST_BUSES]],
        "more_recordings": max(len(scored) - MOST_BUSES, 0),
        "notes": [note[:LONGEST_NOTE] for note in notes[:MOST_NOTES]],
    }


def _recording(recording: ScoredRecording, scorer: str) -> dict[str, Any]:
    """One bus of it."""
    events = recording.events[scorer]
    told = sorted(
        zip(events, recording.reasons, strict=True), key=lambda p: p[0].severity != "alarm"
    )
    shown = sorted(told[:MOST_EVENTS], key=lambda pair: pair[0].start_s)
    windows = recording.windows
    return {
        "bus": recording.bus,
        "format": recording.format,
        "frames": recording.frames,
        "duration_s": recording.duration_s,
        "windows": len(windows),
        "labelled": recording.labelled,
        "attack_windows": recording.attack_windows,
        "alarms": sum(event.severity == "alarm" for event in events),
        "notices": sum(event.severity == "notice" for event in events),
        "more_events": len(events) - len(shown),
        "points": points_of(windows.start_s - recording.start_s, windows.score[scorer]),
        "events": [
            {
                "severity": event.severity,
                "moment": moment_text(event.first_alarm_s or event.start_s),
                "from_s": event.start_s - recording.start_s,
                "to_s": event.end_s - recording.start_s,
                "windows": event.windows,
                "peak_score": event.peak_score,
                "kind": event.kind,
                "ids": [id_text(each) for each in event.ids[:MOST_NAMED]],
                "more_ids": max(len(event.ids) - MOST_NAMED, 0),
                "reasons": [reason_record(each) for each in reasons],
            }
            for event, reasons in shown
        ],
    }


def points_of(at_s: NDArray[np.float64], score: NDArray[np.float64]) -> list[list[float]]:
    """Time and margin of the highest window of each of at most 600 stretches, so no peak is lost.

    Args:
        at_s: Time of each window [B].
        score: Its margin [B].
    """
    edges = np.linspace(0, len(score), min(len(score), MOST_POINTS) + 1).astype(np.int64)
    peaks = [int(a + np.argmax(score[a:b])) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return [[round(float(at_s[k]), 3), float(f"{score[k]:.5g}")] for k in peaks]


def _lower_priority() -> None:
    """The stream comes first; and Ctrl-C is for the page, which ends this process itself."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit() -> None:
    """What a recording may cost."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    data = pages * resource.getpagesize() + MOST_MEMORY
    for kind, most in (
        (resource.RLIMIT_DATA, data),
        (resource.RLIMIT_CPU, MOST_CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
