"""What the pictures of an evaluation are drawn from, stored beside its figures.

`pictures.json` holds curves, sweeps over thresholds, attacks, events and the windows that are
explained; `windows.parquet` the margin of each window. Both come from the scores that the figures
of `evaluation.json` came from, and say which one that is.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from can_train.config.codec import from_plain, to_plain
from can_train.errors import ArtifactError, ConfigError
from can_train.evaluation.curves import DetectionCurve, ThresholdSweep
from can_train.evaluation.trace_records import FileTrace
from can_train.files import read_object, sealed, unsealed, write_text, writing
from can_train.runs.layout import pictures_path, scored_windows_path

SCHEMA_VERSION: Final = 1
_AGAIN: Final = "Evaluate the run again: can-train evaluate RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Whether p-values of benign windows are what they say: a share p of them is at most p.

    Attributes:
        scenario: The scenario.
        scorer: The scorer.
        windows: Number of benign windows.
        p: Asked p-values, ascending.
        share: Share of the benign windows whose p-value is at most that.
    """

    scenario: str
    scorer: str
    windows: int
    p: tuple[float, ...]
    share: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """Everything but the windows.

    Attributes:
        scorer: The run's own scorer.
        curves: Of every scorer on every scenario that has both classes.
        sweeps: Of the run's own scorer on every scenario.
        reliability: Of the models on every scenario.
        files: Each file as the run's own scorer sees it.
    """

    scorer: str
    curves: tuple[DetectionCurve, ...]
    sweeps: tuple[ThresholdSweep, ...]
    reliability: tuple[Reliability, ...]
    files: tuple[FileTrace, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowTrace:
    """The windows [B] of one file by time, as the models see them.

    Attributes:
        start_s: First frame of each window, in seconds since the file's first [B], float64.
        end_s: Its last frame [B], float64.
        attack: Whether it holds an attack frame [B].
        score: Margin by model [B], float32.
        severity: Index into `alarms.rule.SEVERITIES` by model [B], int8.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    attack: NDArray[np.bool_]
    score: Mapping[str, NDArray[np.float32]]
    severity: Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluationPictures:
    """What pictures are drawn from.

    Attributes:
        record: Everything but the windows.
        windows: Those of each file, by scenario and file.
    """

    record: PictureRecord
    windows: Mapping[tuple[str, str], WindowTrace]


def write_pictures(pictures: EvaluationPictures, folder: Path, evaluation: str) -> None:
    """Writes both files into `folder`.

    Args:
        pictures: What is written.
        folder: Where `evaluation.json` lies.
        evaluation: Its text.
    """
    stream = io.BytesIO()
    _table(pictures.windows).write_parquet(stream, compression="zstd")
    content = stream.getvalue()
    document = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_sha256": hashlib.sha256(evaluation.encode()).hexdigest(),
        "windows_sha256": hashlib.sha256(content).hexdigest(),
        "record": to_plain(pictures.record, PictureRecord),
    }
    with writing(scored_windows_path(folder)) as file:
        file.write(content)
    text = json.dumps(sealed(document), separators=(",", ":"), allow_nan=False)
    write_text(pictures_path(folder), f"{text}\n")


def load_pictures(folder: Path, evaluation: Path) -> EvaluationPictures | None:
    """What was written for an evaluation; None where it wasn't, or for another evaluation.

    Args:
        folder: Where it lies.
        evaluation: The `evaluation.json` that is shown.

    Raises:
        ArtifactError: A file was changed, or is of another version.
    """
    path, windows = pictures_path(folder), scored_windows_path(folder)
    if not path.is_file() or not windows.is_file():
        return None
    document = unsealed(path, read_object(path, _AGAIN), way_out=_AGAIN)
    if document.get("schema_version") != SCHEMA_VERSION:
        return None
    if document.get("evaluation_sha256") != hashlib.sha256(evaluation.read_bytes()).hexdigest():
        return None
    content = windows.read_bytes()
    if document.get("windows_sha256") != hashlib.sha256(content).hexdigest():
        raise ArtifactError(f"{windows}: changed since it was written. {_AGAIN}")
    try:
        record = from_plain(PictureRecord, document.get("record"), f"{path}: record")
    except ConfigError as error:
        raise ArtifactError(f"{error}. {_AGAIN}") from error
    return EvaluationPictures(record=record, windows=_windows(pl.read_parquet(content)))


def _table(windows: Mapping[tuple[str, str], WindowTrace]) -> pl.DataFrame:
    """A row per window."""
    tables = [_part(scenario, file, trace) for (scenario, file), trace in windows.items()]
    return pl.concat(tables) if tables else pl.DataFrame()


def _part(scenario: str, file: str, trace: WindowTrace) -> pl.DataFrame:
    count = len(trace.start_s)
    columns = {
        "scenario": pl.repeat(scenario, count, eager=True),
        "file": pl.repeat(file, count, eager=True),
        "start_s": pl.Series(trace.start_s),
        "end_s": pl.Series(trace.end_s),
        "attack": pl.Series(trace.attack),
    }
    for name in trace.score:
        columns[f"{name}_score"] = pl.Series(trace.score[name])
        columns[f"{name}_severity"] = pl.Series(trace.severity[name])
    return pl.DataFrame(columns)


def _windows(table: pl.DataFrame) -> dict[tuple[str, str], WindowTrace]:
    if not len(table):
        return {}
    names = [c.removesuffix("_score") for c in table.columns if c.endswith("_score")]
    parts = table.partition_by("scenario", "file", as_dict=True, maintain_order=True)
    return {
        cast("tuple[str, str]", key): WindowTrace(
            start_s=part["start_s"].to_numpy(),
            end_s=part["end_s"].to_numpy(),
            attack=part["attack"].to_numpy(),
            score={name: part[f"{name}_score"].to_numpy() for name in names},
            severity={name: part[f"{name}_severity"].to_numpy() for name in names},
        )
        for key, part in parts.items()
    }
