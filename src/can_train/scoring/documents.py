"""Scored recordings as one JSON document and as one CSV table of windows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from can_train.alarms.events import Event
from can_train.alarms.rule import SEVERITIES
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.reasons import Reason
from can_train.scoring.recording import ScoredRecording

SCHEMA_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What one `can-train score` found.

    Attributes:
        run: As the detector was named.
        detector: The detector, with those that it fuses.
        recordings: The recordings that could be scored.
        problems: What kept others from being scored, a message each.
    """

    run: str
    detector: FrameScorer
    recordings: Sequence[ScoredRecording]
    problems: Sequence[str] = ()


def scores_json(scoring: Scoring) -> str:
    """The JSON document: numbers in full precision, times in seconds as in the recording."""
    detector = scoring.detector
    document = {
        "schema_version": SCHEMA_VERSION,
        "run": scoring.run,
        "artifact_sha256": detector.own.sha256,
        "window": detector.spec.window,
        "stride": detector.spec.stride,
        "alarm_rule": str(detector.rule),
        "thresholds": {name: asdict(at) for name, at in detector.thresholds.items()},
        "recordings": [_recording(recording) for recording in scoring.recordings],
        "problems": list(scoring.problems),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def scores_csv(scoring: Scoring) -> str:
    """The CSV table: one line per window; `label` is empty where the file has no labels."""
    tables = [_table(recording, scoring.detector) for recording in scoring.recordings]
    return pl.concat(tables).write_csv()


def id_text(arbitration_id: int) -> str:
    """An arbitration ID as people write it: `1A0`, extended ones with eight digits."""
    extended = arbitration_id >> 31
    return f"{arbitration_id & 0x1FFF_FFFF:08X}" if extended else f"{arbitration_id:03X}"


def _recording(recording: ScoredRecording) -> dict[str, Any]:
    windows = recording.windows
    return {
        "file": str(recording.file),
        "bus": recording.bus or None,
        "format": recording.format,
        "labelled": recording.labelled,
        "frames": recording.frames,
        "start_s": recording.start_s,
        "duration_s": recording.duration_s,
        "malformed_lines_left_out": recording.skipped,
        "attack_windows": recording.attack_windows,
        "events": {name: [_event(e) for e in events] for name, events in recording.events.items()},
        "reasons": [[reason_record(r) for r in reasons] for reasons in recording.reasons],
        "windows": {
            "start": windows.start.tolist(),
            "start_s": windows.start_s.tolist(),
            "end_s": windows.end_s.tolist(),
            "label": windows.label.tolist() if recording.labelled else None,
            "score": _lists(windows.score),
            "p_value": _lists(windows.p_value),
            "above": _lists(windows.alarm),
            "severity": {
                name: _words(found).to_list() for name, found in recording.severity.items()
            },
        },
    }


def reason_record(reason: Reason) -> dict[str, Any]:
    """What moved a margin, as JSON values."""
    return {**asdict(reason), "id": id_text(reason.id)}


def _event(event: Event) -> dict[str, Any]:
    return {**asdict(event), "ids": [id_text(each) for each in event.ids]}


def _lists(columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in columns.items()}


def _table(recording: ScoredRecording, detector: FrameScorer) -> pl.DataFrame:
    windows = recording.windows
    columns = {
        "file": pl.repeat(str(recording.file), len(windows), eager=True),
        "bus": pl.repeat(recording.bus, len(windows), eager=True),
        "start_frame": pl.Series(windows.start),
        "start_s": pl.Series(windows.start_s),
        "end_s": pl.Series(windows.end_s),
        "label": pl.Series(windows.label)
        if recording.labelled
        else pl.repeat(None, len(windows), dtype=pl.UInt8, eager=True),
    }
    for name, at in detector.thresholds.items():
        columns[f"{name}_score"] = pl.Series(windows.score[name])
        columns[f"{name}_p_value"] = pl.Series(windows.p_value[name])
        columns[f"{name}_threshold"] = pl.repeat(at.value, len(windows), eager=True)
        columns[f"{name}_above"] = pl.Series(windows.alarm[name]).cast(pl.UInt8)
        columns[f"{name}_severity"] = _words(recording.severity[name])
    return pl.DataFrame(columns)


def _words(severity: NDArray[np.int8]) -> pl.Series:
    """Severities [B] in words."""
    return pl.Series(np.array(SEVERITIES)[severity])
