"""Brings records into MLflow: exactly what is missing there, so it can be repeated at any time.

Whoever writes holds a lock among the runs: MLflow's database is made once, each run gets one entry,
and processes that end at the same time wait for each other instead of for SQLite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.errors import PreflightError
from can_train.files import lock
from can_train.tracking.groups import RunGroup
from can_train.tracking.record import Figure, TrackedRun
from can_train.tracking.store import is_server, mirror_dir, require_installed, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RECORD: Final = "can_train.record"
"""Tag that holds a run's key."""

GROUP: Final = "can_train.group"
PARENT: Final = "mlflow.parentRunId"
"""MLflow's own tag of nested runs."""

MOST_METRICS: Final = 1000
MOST_PARAMS: Final = 100
"""What MLflow takes in one call."""

LOCK_S: Final = 300.0
"""How long others who write are waited for."""

PATIENCE: Final[Mapping[str, str]] = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""A server that is mute is given up soon, and only we say so; the environment may say else."""


class MirrorError(PreflightError):
    """MLflow can't be used now; the records stay what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """How much was missing."""

    runs: int = 0
    params: int = 0
    metrics: int = 0

    def __add__(self, other: Brought) -> Brought:
        return Brought(
            runs=self.runs + other.runs,
            params=self.params + other.params,
            metrics=self.metrics + other.metrics,
        )


class Mirror:
    """MLflow at one place.

    Args:
        uri: Its server or database.
        experiment_root: Where the runs lie.

    Raises:
        PreflightError: MLflow isn't installed.
    """

    def __init__(self, uri: str, experiment_root: Path) -> None:
        require_installed("this")
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        self._uri, self._folder = uri, mirror_dir(experiment_root)
        self._made: MlflowClient | None = None
        self._known: dict[str, dict[str, list[tuple[int, float]]]] = {}

    def bring(self, run: TrackedRun) -> Brought:
        """Brings over what is missing of a run; one that was deleted there stays deleted.

        Raises:
            MirrorError: MLflow is locked, slow, unreachable or write-protected.
        """
        with self._writing():
            return self._bring(self.client, run)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from filelock import Timeout
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with lock(self._folder / "mirror.lock").acquire(timeout=LOCK_S):
                yield
        except (MlflowException, SQLAlchemyError, OSError, Timeout) as error:
            why = " ".join(str(error).split())[:300]
            raise MirrorError(f"MLflow at {without_password(self._uri)}: {why}") from error

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client of the place."""
        if self._made is None:
            from mlflow import MlflowClient

            self._made = MlflowClient(tracking_uri=self._uri)
        return self._made

    def _bring(self, client: MlflowClient, record: TrackedRun) -> Brought:
        experiment = self._experiment(client, record.experiment)
        entry = _entry(client, experiment, RECORD, record.key)
        if entry is not None and entry.info.lifecycle_stage != "active":
            return Brought()
        tags = {RECORD: record.key, **record.tags}
        for group in record.groups[:1]:
            tags[PARENT] = _parent(client, experiment, group)
        made = entry is None
        if entry is None:
            entry = client.create_run(
                experiment, start_time=record.started_ms, tags=tags, run_name=record.name
            )
        known = self._known.get(record.key, {})
        if not _is_all(known, entry):
            known = self._known[record.key] = _histories(client, entry)
        params = {k: v for k, v in record.params.items() if k not in entry.data.params}
        figures = [found for each in record.figures if (found := _missing(each, known))]
        news = {k: v for k, v in tags.items() if entry.data.tags.get(k) != v}
        _log(client, entry, params, news, figures)
        for figure in figures:
            known.setdefault(figure.name, []).append((_step(figure), figure.value))
        if not entry.inputs or not entry.inputs.dataset_inputs:
            _log_dataset(client, entry, record)
        _set_state(client, entry, record.state, record.ended_ms)
        return Brought(runs=int(made), params=len(params), metrics=len(figures))

    def _experiment(self, client: MlflowClient, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None if is_server(self._uri) else (self._folder / "artifacts").as_uri()
        return str(client.create_experiment(name, artifact_location=place))


def _entry(client: MlflowClient, experiment: str, tag: str, key: str) -> Run | None:
    from mlflow.entities import ViewType

    quoted = key.replace("'", "")
    found = client.search_runs(
        [experiment], f"tags.`{tag}` = '{quoted}'", run_view_type=ViewType.ALL, max_results=1
    )
    return found[0] if found else None


def _parent(client: MlflowClient, experiment: str, group: RunGroup) -> str:
    """The entry that the runs of a plan or sweep are nested in."""
    entry = _entry(client, experiment, GROUP, group.key)
    if entry is None:
        entry = client.create_run(
            experiment,
            start_time=int(group.created_s * 1000),
            tags={GROUP: group.key, group.kind: group.name, "mlflow.source.name": "can-train"},
            run_name=f"{group.kind} {group.name}",
        )
    _set_state(client, entry, group.state, group.ended_ms)
    return str(entry.info.run_id)


def _histories(client: MlflowClient, entry: Run) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of every figure that is there."""
    return {
        name: [(m.step, m.value) for m in client.get_metric_history(entry.info.run_id, name)]
        for name in entry.data.metrics
    }


def _is_all(known: Mapping[str, list[tuple[int, float]]], entry: Run) -> bool:
    """Whether nobody else, and no call that seemed to fail, brought over more than is known."""
    latest = {name: max(points)[1] for name, points in known.items()}
    return bool(latest) and latest == dict(entry.data.metrics)


def _missing(figure: Figure, known: Mapping[str, list[tuple[int, float]]]) -> Figure | None:
    """The figure as it has to be logged; None: it is there."""
    there = known.get(figure.name, [])
    if figure.step is not None:
        return None if figure.step in {step for step, _ in there} else figure
    if there and there[-1][1] == figure.value:
        return None
    return Figure(name=figure.name, value=figure.value, step=len(there), time_ms=figure.time_ms)


def _step(figure: Figure) -> int:
    return figure.step or 0


def _log(
    client: MlflowClient,
    entry: Run,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    figures: list[Figure],
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run_id = entry.info.run_id
    if tags:
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    rows = [Param(name, value) for name, value in params.items()]
    for begin in range(0, len(rows), MOST_PARAMS):
        client.log_batch(run_id, params=rows[begin : begin + MOST_PARAMS])
    points = [Metric(f.name, f.value, f.time_ms, _step(f)) for f in figures]
    for begin in range(0, len(points), MOST_METRICS):
        client.log_batch(run_id, metrics=points[begin : begin + MOST_METRICS])


def _log_dataset(client: MlflowClient, entry: Run, record: TrackedRun) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    told = record.dataset
    dataset = Dataset(
        name=told.name,
        digest=told.digest,
        source_type="local",
        source=told.folder,
        profile=told.profile,
    )
    tags = [InputTag("mlflow.data.context", "training")]
    client.log_inputs(entry.info.run_id, [DatasetInput(dataset, tags)])


def _set_state(client: MlflowClient, entry: Run, state: str, ended_ms: int | None) -> None:
    if entry.info.status == state:
        return
    if state in {"RUNNING", "SCHEDULED"}:
        client.update_run(entry.info.run_id, status=state)
    else:
        client.set_terminated(entry.info.run_id, status=state, end_time=ended_ms)
