"""`summary.json`: the final figures of a finished run (stdlib only)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from can_train.errors import ArtifactError
from can_train.files import read_object, write_text
from can_train.runs.layout import summary_path

_REQUIRED = ("validation_metric", "validation_value", "higher_is_better", "artifact_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFigure:
    """The figure by which runs of one kind are ranked, at the best epoch.

    Attributes:
        metric: Its name, such as `val_loss` or `val_pr_auc`.
        value: Its value.
        higher_is_better: Which way it is better.
        artifact_sha256: Hash of the artifact that has it.
    """

    metric: str
    value: float
    higher_is_better: bool
    artifact_sha256: str

    def better_than(self, other: RankedFigure) -> bool:
        """Whether this figure beats `other`; figures of different names don't compare."""
        if self.metric != other.metric or self.higher_is_better != other.higher_is_better:
            return False
        return self.value > other.value if self.higher_is_better else self.value < other.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a run was trained.

    Attributes:
        epoch_s: Seconds of an epoch, validation included.
        epoch_windows: Windows that an epoch trains on.
        around_s: Seconds before and after all epochs.
        ended_at: When `summary.json` was written, in seconds since 1970.
    """

    epoch_s: float
    epoch_windows: int
    around_s: float
    ended_at: float


def read_pace(run: Path) -> Pace | None:
    """The pace of a finished run; None where it wasn't measured.

    Raises:
        ArtifactError: `summary.json` is damaged.
    """
    path = summary_path(run)
    raw = read_object(path) if path.is_file() else {}
    found = [raw.get(name) for name in ("epoch_seconds", "epoch_windows", "around_seconds")]
    known = [value for value in found if isinstance(value, int | float)]
    if len(known) < len(found):
        return None
    epoch_s, windows, around_s = known
    return Pace(
        epoch_s=float(epoch_s),
        epoch_windows=int(windows),
        around_s=float(around_s),
        ended_at=path.stat().st_mtime,
    )


def read_figures(run: Path) -> dict[str, float]:
    """Every number in `summary.json`, by name.

    Raises:
        ArtifactError: `summary.json` is missing or damaged.
    """
    found = read_object(summary_path(run))
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def ranked(metric: str, value: float, artifact_sha256: str) -> RankedFigure:
    """A validation figure; a loss is better when it is lower, all others when higher."""
    return RankedFigure(
        metric=metric,
        value=value,
        higher_is_better=not metric.endswith("loss"),
        artifact_sha256=artifact_sha256,
    )


def write_summary(
    run: Path, validation: RankedFigure, figures: Mapping[str, float | int | str | None]
) -> None:
    """Writes `summary.json` atomically: the validation figure and whatever else is of interest."""
    document = {
        **figures,
        "validation_metric": validation.metric,
        "validation_value": validation.value,
        "higher_is_better": validation.higher_is_better,
        "artifact_sha256": validation.artifact_sha256,
    }
    write_text(summary_path(run), json.dumps(document, indent=1, sort_keys=True) + "\n")


def read_validation(run: Path) -> RankedFigure:
    """The validation figure of a finished run.

    Raises:
        ArtifactError: `summary.json` is missing, damaged or without the figure.
    """
    path = summary_path(run)
    if not path.is_file():
        raise ArtifactError(f"{path}: missing although the run finished. Run it again with --force")
    raw = read_object(path)
    metric, value, higher, sha256 = (raw.get(key) for key in _REQUIRED)
    if not (
        isinstance(metric, str)
        and isinstance(value, int | float)
        and isinstance(higher, bool)
        and isinstance(sha256, str)
    ):
        raise ArtifactError(
            f"{path}: lacks one of {', '.join(_REQUIRED)}. Run it again with --force"
        )
    return RankedFigure(
        metric=metric, value=float(value), higher_is_better=higher, artifact_sha256=sha256
    )


def read_parameters(run: Path) -> int:
    """Number of parameters of the model that a finished run made.

    Raises:
        ArtifactError: `summary.json` is missing, damaged or without it.
    """
    path = summary_path(run)
    found = read_object(path).get("parameters") if path.is_file() else None
    if not isinstance(found, int):
        raise ArtifactError(f"{path}: lacks parameters. Run it again with --force")
    return found
