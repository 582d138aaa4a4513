"""A run as MLflow is told of it: everything comes from the run's own records (stdlib only)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast

from can_train.config.codec import Json
from can_train.config.frozen import FrozenConfig, encode_run_config, frozen_config_of
from can_train.config.run_log import Logged, read_events
from can_train.files import read_object
from can_train.runs.events import DatasetStatistics, EpochEnded, EpochResources, RunStarted
from can_train.runs.layout import (
    IDENTITY_WORDS,
    artifact_path,
    evaluation_path,
    frozen_of_run,
    run_log,
    summary_path,
)
from can_train.runs.state import RunStatus, current_status
from can_train.tracking.groups import RunGroup, groups_of

MOST_TEXT: Final = 5000
"""Letters of a param or tag: MLflow takes no more everywhere."""

STATES: Final[Mapping[str, str]] = {
    "finished": "FINISHED", "failed": "FAILED", "blocked": "FAILED", "cancelled": "KILLED",
    "pending": "SCHEDULED", "running": "RUNNING",
}  # fmt: skip
"""What MLflow calls the states of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of a run.

    Attributes:
        name: `val_loss`, `resources/seconds`, `final/threshold`, `test_01_…/f1`.
        value: Its value; finite.
        step: The epoch, from 0; None: one figure of the whole run, of which the newest counts.
        time_ms: When it was told, in milliseconds since 1970.
    """

    name: str
    value: float
    step: int | None
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedDataset:
    """The dataset of a run: its name, digest, folder, and statistics as JSON if they are known."""

    name: str
    digest: str
    folder: str
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """What MLflow is told of a run.

    Attributes:
        key: What tells this run from all others, wherever its folder lies.
        name: Name of the run.
        experiment: Modality and dataset.
        state: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
        started_ms, ended_ms: In milliseconds since 1970; None: it hasn't.
        params: Settings by their path, as text.
        tags: Identity, parents, where it came from, and where its files are.
        figures: Each name and epoch once.
        dataset: What it was trained on.
        groups: Sweeps and plans that it belongs to; the first is its parent.
    """

    key: str
    name: str
    experiment: str
    state: str
    started_ms: int
    ended_ms: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    figures: tuple[Figure, ...]
    dataset: TrackedDataset
    groups: tuple[RunGroup, ...]


def tracked_run(run: Path) -> TrackedRun | None:
    """What is told of the run in the folder `run`; None: it hasn't begun.

    Raises:
        ArtifactError: One of its records is damaged, or of another version.
    """
    frozen, events, status = frozen_config_of(run), read_events(run), current_status(run)
    if status is None or not events:
        return None
    config, made = frozen.config, frozen.provenance
    root = run.absolute().parents[IDENTITY_WORDS]  # where it lies now, if its folder was moved
    groups = groups_of(root, run.absolute())
    over = status.ended_at is not None and status.state not in {"pending", "running"}
    return TrackedRun(
        key=f"{run.name} {made.get('created_at')} {made.get('host')}",
        name=f"{config.model} {config.model_size} {run.name}",
        experiment=f"{config.modality}/{config.dataset}",
        state=STATES[status.state],
        started_ms=_ms(events[0].time),
        ended_ms=_ms(cast(float, status.ended_at)) if over else None,
        params=dict(_params(frozen, events)),
        tags={name: value[:MOST_TEXT] for name, value in _tags(run, frozen, status, groups)},
        figures=_once([*_epochs(events), *_final(run), *_tested(run, config.model)]),
        dataset=_dataset(frozen, events),
        groups=groups,
    )


def _params(frozen: FrozenConfig, events: list[Logged]) -> Iterator[tuple[str, str]]:
    """Every setting; and what the start decided where none was given."""
    for name, value in _flat("", encode_run_config(frozen.config)):
        yield name, value[:MOST_TEXT]
    started = [item.event for item in events if isinstance(item.event, RunStarted)]
    for event in started[:1]:
        yield "parameters", str(event.parameters)
        yield "used_batch_size", str(event.batch_size)


def _flat(path: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)


def _tags(
    run: Path, frozen: FrozenConfig, status: RunStatus, groups: tuple[RunGroup, ...]
) -> Iterator[tuple[str, str]]:
    config, made = frozen.config, frozen.provenance
    for name in ("modality", "dataset", "learning_type", "model", "model_size"):
        yield name, str(getattr(config, name))
    yield "distillation", config.distillation_word
    yield "training_strategy", config.training_strategy
    yield "seed", str(config.seed)
    yield "parents", json.dumps(dict(status.parents), sort_keys=True)
    for kind in ("plan", "sweep"):
        names = [group.name for group in groups if group.kind == kind]
        if names:
            yield kind, ",".join(names)
    for name in ("git_commit", "git_dirty", "command", "host"):
        if made.get(name) is not None:
            yield name, str(made[name])
    if made.get("git_commit") is not None:
        yield "mlflow.source.git.commit", str(made["git_commit"])
    yield "mlflow.source.name", "can-train"
    yield "run_dir", str(run)
    yield "frozen_config", str(frozen_of_run(run))
    yield "records", str(run_log(run))
    artifact = artifact_path(run, config.model, config.model_size)
    if artifact.is_file():
        yield "artifact", str(artifact)
        yield "artifact_sha256", status.made.get(artifact.relative_to(run).as_posix(), "")


def _epochs(events: list[Logged]) -> Iterator[Figure]:
    for logged in events:
        event, when = logged.event, _ms(logged.time)
        if isinstance(event, EpochEnded):
            for name, value in event.figures.items():
                yield Figure(name=name, value=value, step=event.epoch, time_ms=when)
        elif isinstance(event, EpochResources):
            figures = asdict(event)
            epoch = figures.pop("epoch")
            for name, value in figures.items():
                if value is not None:
                    yield Figure(name=f"resources/{name}", value=value, step=epoch, time_ms=when)


def _final(run: Path) -> Iterator[Figure]:
    """Numbers of `summary.json`."""
    yield from _numbers("final/", summary_path(run))


def _numbers(prefix: str, path: Path) -> Iterator[Figure]:
    if not path.is_file():
        return
    when = _ms(path.stat().st_mtime)
    for name, value in read_object(path).items():
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield Figure(name=f"{prefix}{name}", value=float(value), step=None, time_ms=when)


def _tested(run: Path, model: str) -> Iterator[Figure]:
    """Figures of the run's own rows of its evaluation, for whole scenarios."""
    path = evaluation_path(run)
    if not path.is_file():
        return
    when = _ms(path.stat().st_mtime)
    for row in cast(list[Mapping[str, object]], read_object(path)["rows"]):
        if row["file"] is not None or row["kind"] != "model" or row["scorer"] != model:
            continue
        metrics = cast(Mapping[str, float | None], row["metrics"] or {})
        for name, value in metrics.items():
            if value is not None:
                full = f"{row['scenario']}/{name}"
                yield Figure(name=full, value=float(value), step=None, time_ms=when)


def _dataset(frozen: FrozenConfig, events: list[Logged]) -> TrackedDataset:
    config = frozen.config
    told = [asdict(e.event) for e in events if isinstance(e.event, DatasetStatistics)]
    return TrackedDataset(
        name=config.dataset,
        digest=config.data.dataset_digest[:32],
        folder=str(frozen.data_root / config.modality / config.dataset),
        profile=json.dumps(told[0]) if told else None,
    )


def _once(figures: list[Figure]) -> tuple[Figure, ...]:
    """Each name and epoch once, as first told: a killed attempt's last epoch is told twice."""
    kept: dict[tuple[str, int | None], Figure] = {}
    for figure in figures:
        kept.setdefault((figure.name, figure.step), figure)
    return tuple(kept.values())


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
