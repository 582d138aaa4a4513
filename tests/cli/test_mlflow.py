"""`can-train mlflow`: what is said without MLflow, and how its server is started."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from can_train.cli.main import main


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


def test_only_one_run_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mlflow", "sync", "--follow", "--experiment-root", str(tmp_path)]
    assert main([*words, "a", "b"]) == 2
    assert "--follow: give one run" in capsys.readouterr().err


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
