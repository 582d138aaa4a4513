"""`can-train mlflow`: what is said without MLflow, and how its server is started."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.jobs.executor import HERE
from can_train.runs.layout import stage_logs
from can_train.tracking import follow


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.parametrize("words", [["mlflow", "sync"], ["mlflow", "ui"]], ids=" ".join)
def test_without_the_extra_the_way_to_it_is_told(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(words) == 3
    assert capsys.readouterr().err == (
        f"{' '.join(words)} needs MLflow, which isn't installed. "
        "Get it, once: can-train env --install mlflow\n"
    )
    for command in (["train"], ["sweep", "train"], ["sweep", "resume", "x"], ["resume", "x"]):
        assert main([*command, "--mlflow-uri", "http://host"]) == 3
        assert "--mlflow-uri needs MLflow" in capsys.readouterr().err


def test_runs_that_are_followed_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["mlflow", "sync", "--follow", "--experiment-root", str(tmp_path)]
    assert main(words) == 2
    assert "--follow: give the runs" in capsys.readouterr().err


def test_following_what_never_came_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(follow, "follow", lambda runs, root, over: 0)
    words = ["mlflow", "sync", str(tmp_path / "typo"), "--follow"]
    assert main([*words, "--experiment-root", str(tmp_path)]) == 2
    assert f"--follow: nothing came of {tmp_path / 'typo'}. Show" in capsys.readouterr().err


def test_a_mirror_of_several_runs_that_fails_is_told_in_the_log_of_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        tmp_path.joinpath("a", "b", "c", model, "e", "f", "g", "id") for model in ("vgae", "gat")
    ]
    for run, model in zip(runs, ("vgae", "gat"), strict=True):
        out, err = stage_logs(run, model, HERE)
        err.parent.mkdir(parents=True)
        err.write_text("begun\n")

    def failing(found: list[Path], root: Path, over: object) -> int:
        assert found == [*runs, tmp_path / "later"]
        logging.getLogger("can_train").warning("MLflow is away")
        return 3

    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(follow, "follow", failing)
    words = ["mlflow", "sync", *map(str, [*runs, tmp_path / "later"]), "--follow"]
    assert main([*words, "--experiment-root", str(tmp_path)]) == 3
    assert stage_logs(runs[0], "vgae", HERE)[1].read_text() == "begun\n"
    assert "MLflow is away" in stage_logs(runs[1], "gat", HERE)[1].read_text()


def test_the_pages_are_those_of_the_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []

    def begin(path: str, words: list[str]) -> int:
        started.append(words)
        return 0

    monkeypatch.setattr(os, "execv", begin)
    root = ["--experiment-root", str(tmp_path)]
    main(["mlflow", "ui", "--port", "5123", *root])
    uri = f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
    (words,) = started
    assert words[:4] == [sys.executable, "-m", "mlflow", "server"]
    assert words[words.index("--backend-store-uri") + 1] == uri
    assert words[words.index("--port") + 1] == "5123"
    assert "open: http://127.0.0.1:5123" in capsys.readouterr().out
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert main(["mlflow", "ui", "--mlflow-uri", "http://me:secret@host:5000", *root]) == 0
    assert capsys.readouterr().out == "open: http://me:***@host:5000\n"
    assert len(started) == 1
