"""Options of how a run is recorded reach the workers."""

from __future__ import annotations

import importlib.util

import pytest

from can_train.cli.main import build_parser
from can_train.cli.recording import pass_on


@pytest.mark.parametrize("command", ["train", "pipeline", "demo"])
def test_what_is_typed_becomes_what_workers_inherit(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    environ: dict[str, str] = {}
    pass_on(vars(build_parser(command).parse_args([command])), environ)
    assert environ == {}
    words = ["--log-format", "json", "--mlflow-uri", "http://h", "--no-mlflow"]
    pass_on(vars(build_parser(command).parse_args([command, *words])), environ)
    assert environ == {
        "CAN_TRAIN_LOG_FORMAT": "json",
        "CAN_TRAIN_MLFLOW": "off",
        "MLFLOW_TRACKING_URI": "http://h",
    }
