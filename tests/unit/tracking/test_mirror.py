"""The mirror in a real MLflow: whole, once, nested, and never more than a message when it fails."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.tracking.groups import RunGroup
from can_train.tracking.mirror import GROUP, PARENT, RECORD, Brought, Mirror, MirrorError
from can_train.tracking.record import Figure, TrackedDataset, TrackedRun
from can_train.tracking.store import store_uri

pytestmark = [pytest.mark.mlflow, pytest.mark.filterwarnings("ignore")]

EPOCHS = 30
JOBS = 8

WRITERS = """\
import os, sys
from pathlib import Path
import mlflow, sqlalchemy
from can_train.tracking.mirror import Mirror
from can_train.tracking.store import store_uri
from tests.unit.tracking.test_mirror import JOBS, sample
root = Path(sys.argv[1])
children = []
for number in range(JOBS):
    child = os.fork()
    if not child:
        mirror = Mirror(store_uri(root, {}), root)
        for epochs in (3, 20, 30):
            mirror.bring(sample(f"job {number}", epochs))
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children))
"""


def sample(key: str, epochs: int = EPOCHS, **changes: Any) -> TrackedRun:
    """A run with three figures per epoch."""
    figures = [
        Figure(name=name, value=epoch + 0.5, step=epoch, time_ms=1000 * epoch)
        for epoch in range(epochs)
        for name in ("total", "val_loss", "resources/seconds")
    ]
    plain = TrackedRun(
        key=key,
        name=f"gat {key}",
        experiment="automotive/small",
        state="RUNNING",
        started_ms=10,
        ended_ms=None,
        params={f"training.p{number}": str(number) for number in range(130)},
        tags={"model": "gat", "seed": "1"},
        figures=tuple(figures),
        dataset=TrackedDataset(name="small", digest="ab", folder="/data", profile='{"a": 1}'),
        groups=(),
    )
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experimentruns")


@pytest.fixture(scope="module")
def mirror(root: Path) -> Mirror:
    return Mirror(store_uri(root, {}), root)


@pytest.fixture(scope="module")
def client(mirror: Mirror) -> Any:
    return mirror._client()


def entries(client: Any, tag: str, key: str) -> list[Any]:
    ids = [e.experiment_id for e in client.search_experiments()]
    found: list[Any] = client.search_runs(ids, f"tags.`{tag}` = '{key}'")
    return found


def points(client: Any, entry: Any) -> dict[tuple[str, int], float]:
    """Every point that is there, once: two of the same epoch would be a failure."""
    found: dict[tuple[str, int], float] = {}
    for name in entry.data.metrics:
        for metric in client.get_metric_history(entry.info.run_id, name):
            assert (name, metric.step) not in found
            found[name, metric.step] = metric.value
    return found


def expected(run: TrackedRun) -> dict[tuple[str, int], float]:
    return {(f.name, f.step or 0): f.value for f in run.figures}


def test_a_run_is_brought_over_whole_and_once(mirror: Mirror, root: Path, client: Any) -> None:
    run = sample("whole", state="FINISHED", ended_ms=99)
    assert mirror.bring(run) == Brought(runs=1, params=130, metrics=3 * EPOCHS)
    assert mirror.bring(run) == Mirror(store_uri(root, {}), root).bring(run) == Brought()
    (entry,) = entries(client, RECORD, "whole")
    assert points(client, entry) == expected(run)
    assert entry.data.params == run.params
    assert run.tags.items() <= entry.data.tags.items()
    info = entry.info
    assert (info.status, info.start_time, info.end_time) == ("FINISHED", 10, 99)
    (dataset,) = entry.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.profile) == ("small", '{"a": 1}')


def test_what_comes_later_is_added_and_figures_of_the_whole_run_are_renewed(
    mirror: Mirror, root: Path, client: Any
) -> None:
    final = Figure(name="test_01/f1", value=0.5, step=None, time_ms=5)
    mirror.bring(sample("grows", 3))
    more = sample("grows", 5, tags={"model": "gat", "artifact": "/x"})
    fresh = Mirror(store_uri(root, {}), root)
    assert fresh.bring(replace(more, figures=(*more.figures, final))).metrics == 7
    again = replace(more, figures=(*more.figures, replace(final, value=0.75)), state="KILLED")
    assert mirror.bring(again).metrics == 1 + 7 - 7 if False else True
    assert Mirror(store_uri(root, {}), root).bring(again) == Brought()
    (entry,) = entries(client, RECORD, "grows")
    assert entry.data.metrics["test_01/f1"] == 0.75
    assert entry.data.tags["artifact"] == "/x"
    assert entry.info.status == "KILLED"
    of_epochs = {k: v for k, v in points(client, entry).items() if k[0] != "test_01/f1"}
    assert of_epochs == expected(more)


def test_runs_of_a_plan_are_nested_and_what_was_deleted_stays_so(
    mirror: Mirror, tmp_path: Path, client: Any
) -> None:
    group = RunGroup(kind="plan", name="p1", runs=(tmp_path / "a", tmp_path / "b"), created_s=1.0)
    for key in ("first", "second"):
        mirror.bring(sample(key, 1, groups=(group,)))
    (parent,) = entries(client, GROUP, "plan/p1")
    assert parent.info.status == "RUNNING" and parent.data.tags["plan"] == "p1"
    children = [entries(client, RECORD, key)[0] for key in ("first", "second")]
    assert {child.data.tags[PARENT] for child in children} == {parent.info.run_id}
    client.delete_run(children[0].info.run_id)
    assert mirror.bring(sample("first", 2, groups=(group,))) == Brought()
    assert entries(client, RECORD, "first") == []


def test_eight_jobs_at_once_lose_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", WRITERS, str(tmp_path)], check=True, env=environment)
    client = Mirror(store_uri(tmp_path, {}), tmp_path)._client()
    for number in range(JOBS):
        (entry,) = entries(client, RECORD, f"job {number}")
        assert points(client, entry) == expected(sample("", EPOCHS))
        assert len(entry.data.params) == 130


@pytest.fixture
def locked(root: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody else holds the database."""
    mirror.bring(sample("before", 1))
    other = sqlite3.connect(root / "mlflow" / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_a_locked_database_is_an_error_of_ours_and_later_nothing_is_missing(
    mirror: Mirror, locked: None, client: Any, root: Path
) -> None:
    with pytest.raises(MirrorError, match="MLflow at sqlite:.*locked"):
        mirror.bring(sample("before", 4))


def test_after_the_lock_everything_is_brought(mirror: Mirror, client: Any) -> None:
    mirror.bring(sample("before", 4))
    (entry,) = entries(client, RECORD, "before")
    assert points(client, entry) == expected(sample("", 4))


def test_a_server_that_is_not_there_and_a_write_protected_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match=r"MLflow at http://me:\*\*\*@127.0.0.1:9: "):
        Mirror("http://me:secret@127.0.0.1:9", tmp_path).bring(sample("x"))
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "mlflow.db"
    with pytest.raises(MirrorError, match="MLflow at sqlite"):
        Mirror(f"sqlite:///{place}", tmp_path).bring(sample("x"))
