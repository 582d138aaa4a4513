"""The mirror in a real MLflow: whole, once, nested, and never more than a message when it fails."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from can_train.cli.main import main
from can_train.config.run_log import append_event
from can_train.runs.events import EpochEnded
from can_train.runs.layout import IDENTITY_WORDS, run_log
from can_train.runs.passed_on import MLFLOW_URI
from can_train.tracking.groups import RunGroup
from can_train.tracking.mirror import GROUP, PARENT, RECORD, Brought, Mirror, MirrorError
from can_train.tracking.record import Figure, TrackedRun
from can_train.tracking.store import store_uri
from tests.unit.tracking.samples import EPOCHS, JOBS, sample

pytestmark = pytest.mark.mlflow


@pytest.fixture(scope="module")
def root(mirrored_root: Path) -> Path:
    return mirrored_root


@pytest.fixture(scope="module")
def mirror(root: Path) -> Mirror:
    return Mirror(store_uri(root, {}), root)


@pytest.fixture(scope="module")
def client(mirror: Mirror) -> Any:
    return mirror.client


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
    assert mirror.bring(again).metrics == 1  # though it didn't bring over the others itself
    assert fresh.bring(again) == Brought()
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


def test_eight_jobs_at_once_lost_nothing(client: Any) -> None:
    for number in range(JOBS):
        (entry,) = entries(client, RECORD, f"job {number}")
        assert points(client, entry) == expected(sample(""))
        assert len(entry.data.params) == 130


@pytest.mark.slow
def test_a_locked_database_is_an_error_of_ours_and_later_nothing_is_missing(
    mirror: Mirror, root: Path, client: Any
) -> None:
    mirror.bring(sample("before", 1))
    hasty = Mirror(f"{store_uri(root, {})}?timeout=0.1", root)
    hasty.bring(sample("before", 2))
    other = sqlite3.connect(root / "mlflow" / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(MirrorError, match="MLflow at sqlite:.*locked"):
        hasty.bring(sample("before", 4))
    other.execute("ROLLBACK")
    other.close()
    assert hasty.bring(sample("before", 4)).metrics == 6
    (entry,) = entries(client, RECORD, "before")
    assert points(client, entry) == expected(sample("", 4))


def test_a_server_that_is_not_there_and_a_write_protected_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match=r"MLflow at http://me:\*\*\*@127.0.0.1:9: "):
        Mirror("http://me:secret@127.0.0.1:9", tmp_path).bring(sample("x"))
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "mlflow.db"
    with pytest.raises(MirrorError, match="MLflow at sqlite"):
        Mirror(f"sqlite:///{place}", tmp_path).bring(sample("x"))


def test_mlflow_itself_writes_nothing_of_its_pages(mirror: Mirror) -> None:
    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

    assert mirror.client and MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get()


def test_the_command_brings_over_what_is_missing_and_names_what_is_damaged(
    trained: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = store_uri(root, {})
    monkeypatch.setenv(MLFLOW_URI, uri)
    experiments = trained.parents[IDENTITY_WORDS]
    words = ["mlflow", "sync", "--experiment-root", str(experiments)]
    assert main([*words, trained.name]) == 0
    capsys.readouterr()
    whole = run_log(trained).read_bytes()
    append_event(trained, EpochEnded(epoch=2, best=False, figures={"val_loss": 0.5}))
    for count in ("1 metric", "0 metrics"):
        assert main([*words, trained.name]) == 0
        said = f"{uri}: 1 run; brought over: 0 runs, 0 params, {count}\n"
        assert capsys.readouterr().out == said
    run_log(trained).write_text("nonsense\n")
    code = main([*words, trained.name])
    run_log(trained).write_bytes(whole)
    assert code == 6
    assert f"{run_log(trained)}:1: not an event" in capsys.readouterr().err
