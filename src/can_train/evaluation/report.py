"""The result of an evaluation: its rows, `evaluation.json` and `evaluation.csv`."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

from can_train.baselines.named import DetectorIdentity
from can_train.detectors.calibration import Threshold
from can_train.errors import ArtifactError
from can_train.evaluation.alarms import ALARM_METRIC_NAMES, AlarmMetrics
from can_train.evaluation.bootstrap import BootstrapIntervals, ConfidenceInterval
from can_train.evaluation.keeping import keep_earlier
from can_train.evaluation.metrics import METRIC_NAMES, WindowMetrics
from can_train.evaluation.pictures import EvaluationPictures, write_pictures
from can_train.files import (
    read_object,
    sealed,
    unsealed,
    write_json,
    write_text,
)
from can_train.runs.layout import evaluation_path, evaluation_table_path, latency_path

SCHEMA_VERSION: Final = 2
NOT_AVAILABLE: Final = "n/a"

ARTIFACT: Final = "_sha256"
"""End of the settings that say which model files were evaluated, after the detector's name."""

RowKind = Literal["model", "other", "control"]
"""Trained by a run; a detector of somebody else's; there for comparison."""

_MARKS: Final[Mapping[RowKind, str]] = {"model": "", "other": " (other)", "control": " (control)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One scorer on one file, or on all files of a scenario.

    Attributes:
        scenario: Official scenario, such as `test_01_known_vehicle_known_attack`.
        file: Name of the recording; `None` for the whole scenario.
        scorer: Name of the model or control.
        kind: Whether it was trained by a run (`model`), is a detector of somebody else's (`other`),
            or is there for comparison (`control`).
        threshold: Its stored threshold; `None` if it couldn't be fitted.
        metrics: `None` if it couldn't be fitted or can't score these windows.
        intervals: Block-bootstrap intervals, per file only.
        alarms: Figures with the alarm stage on; `None` where `metrics` is.
    """

    scenario: str
    file: str | None
    scorer: str
    kind: RowKind
    threshold: Threshold | None
    metrics: WindowMetrics | None
    intervals: BootstrapIntervals | None = None
    alarms: AlarmMetrics | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """All rows of one evaluation, in the order in which they are shown.

    Attributes:
        modality: Modality of the dataset.
        dataset: Dataset whose test scenarios were scored.
        run_id: The run that was evaluated; empty: none, a dataset alone.
        rows: By scenario, by file (the whole scenario first), by scorer.
        runs: Run that trained each model, by scorer; controls have none.
        settings: What else the numbers depend on (seed, window, stride, digests, ...).
        recordings: Digest of the frames of each scored recording, by `scenario/file`.
        detectors: Which detectors of others have rows, by scorer.
        latency_ms: Median and 99th percentile per window of each model, graph building included;
            empty where it wasn't measured. It stands in a file of its own: everything else is the
            same whenever the same artifact is evaluated.
        frames_per_s: Frames that one core scores in a second, by model; in the same file.
        pictures: What a report draws; in files of its own.
    """

    modality: str
    dataset: str
    run_id: str
    rows: tuple[EvaluationRow, ...]
    runs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    recordings: Mapping[str, str] = field(default_factory=dict)
    detectors: Mapping[str, DetectorIdentity] = field(default_factory=dict)
    latency_ms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    frames_per_s: Mapping[str, float] = field(default_factory=dict)
    pictures: EvaluationPictures | None = None

    def is_of(self, model: str, sha256: str) -> bool:
        """Whether it evaluated this file of `model`; earlier ones don't say which it was."""
        return self.settings.get(f"{model}{ARTIFACT}", sha256) == sha256


def shown_name(name: str, kind: RowKind) -> str:
    """A scorer in a table, with what it is unless a run trained it."""
    return f"{name}{_MARKS[kind]}"


def write_report(report: EvaluationReport, folder: Path) -> tuple[Path, ...]:
    """Writes the figures, the table and the latency into `folder`, each whole or not at all.

    Earlier figures that it doesn't hold are kept under their own hash, and that is told.
    """
    json_path, csv_path = evaluation_path(folder), evaluation_table_path(folder)
    text = report_json(report)
    keep_earlier(json_path, csv_path, text)
    write_text(json_path, text)
    write_text(csv_path, report_csv(report))
    if report.pictures is not None:
        write_pictures(report.pictures, folder, text)
    if not report.latency_ms:
        return json_path, csv_path
    write_json(latency_path(folder), _latency_document(report))
    return json_path, csv_path, latency_path(folder)


def report_json(report: EvaluationReport) -> str:
    """Text of `evaluation.json`: every number in full precision, `null` for n/a."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(replace(report, pictures=None))}
    del document["latency_ms"], document["frames_per_s"], document["pictures"]
    if not report.detectors:  # as before there were any
        del document["detectors"]
    return json.dumps(sealed(document), indent=1, allow_nan=False) + "\n"


def _latency_document(report: EvaluationReport) -> dict[str, object]:
    """What was measured, and how busy the machine was: its load counts who waits for a CPU."""
    return {
        "latency_ms": {name: list(pair) for name, pair in report.latency_ms.items()},
        "frames_per_s": dict(report.frames_per_s),
        "load_average": round(os.getloadavg()[0], 2),
        "cpus": len(os.sched_getaffinity(0)),
        "host": socket.gethostname(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _measured(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """Latency in the file beside an evaluation; earlier ones held it themselves."""
    beside = path.with_name(latency_path(path.parent).name)
    held = read_object(beside) if beside.is_file() else document
    pairs, rates = held.get("latency_ms", {}), held.get("frames_per_s", {})
    if not isinstance(pairs, dict) or not isinstance(rates, dict):
        raise TypeError(f"{beside}: latency_ms: {pairs!r}, frames_per_s: {rates!r}")
    return {
        "latency_ms": {
            name: (float(middle), float(high)) for name, (middle, high) in pairs.items()
        },
        "frames_per_s": {name: float(rate) for name, rate in rates.items()},
    }


def report_csv(report: EvaluationReport) -> str:
    """Text of `evaluation.csv`: one line per row; an empty file means the whole scenario."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ("scenario", "file", "scorer", "kind", "run_id", "threshold")
    writer.writerow([*names, *METRIC_NAMES, *ALARM_METRIC_NAMES])
    for row in report.rows:
        metrics = asdict(row.metrics) if row.metrics else dict.fromkeys(METRIC_NAMES)
        alarms = asdict(row.alarms) if row.alarms else dict.fromkeys(ALARM_METRIC_NAMES)
        threshold = row.threshold.value if row.threshold else None
        cells = [threshold, *metrics.values(), *alarms.values()]
        writer.writerow(
            [
                row.scenario,
                row.file or "",
                row.scorer,
                row.kind,
                report.runs.get(row.scorer, ""),
                *(NOT_AVAILABLE if cell is None else repr(cell) for cell in cells),
            ]
        )
    return stream.getvalue()


def load_report(path: Path) -> EvaluationReport:
    """Reads `evaluation.json`.

    Raises:
        ArtifactError: The file is missing, damaged, or of another version.
    """
    again = "Evaluate the run again: can-train evaluate RUN"
    try:
        document = unsealed(path, json.loads(path.read_text(encoding="utf-8")))
        version = document["schema_version"]
        if version != SCHEMA_VERSION:
            raise ArtifactError(
                f"{path}: schema version {version}, this version reads {SCHEMA_VERSION}. {again}"
            )
        return EvaluationReport(
            modality=document["modality"],
            dataset=document["dataset"],
            run_id=document["run_id"],
            rows=tuple(_row(row) for row in document["rows"]),
            runs=document["runs"],
            settings=document["settings"],
            recordings=document.get("recordings", {}),
            detectors={
                name: DetectorIdentity(**each)
                for name, each in document.get("detectors", {}).items()
            },
            **_measured(path, document),
        )
    except OSError as error:
        raise ArtifactError(f"{path}: can't be read ({error.strerror}). {again}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path}: not an evaluation ({error}). {again}") from error


def _row(raw: Mapping[str, Any]) -> EvaluationRow:
    """One stored row; unknown or missing fields raise."""
    if raw["kind"] not in get_args(RowKind):
        raise ValueError(f"kind {raw['kind']!r}")
    intervals = raw["intervals"]
    nested = {
        "threshold": Threshold(**raw["threshold"]) if raw["threshold"] else None,
        "metrics": WindowMetrics(**raw["metrics"]) if raw["metrics"] else None,
        "intervals": (
            BootstrapIntervals(**{name: _interval(ends) for name, ends in intervals.items()})
            if intervals
            else None
        ),
        "alarms": AlarmMetrics(**raw["alarms"]) if raw["alarms"] else None,
    }
    return EvaluationRow(**{**raw, **nested})


def _interval(ends: list[float] | None) -> ConfidenceInterval | None:
    return None if ends is None else (ends[0], ends[1])
