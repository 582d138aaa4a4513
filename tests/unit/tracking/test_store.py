"""Where the mirror lies, whether it is wanted, and what is said without the extra."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from can_train.errors import PreflightError
from can_train.tracking.store import (
    is_server,
    is_wanted,
    require_installed,
    store_uri,
    without_password,
)


def test_a_database_lies_among_the_runs_unless_a_place_is_given() -> None:
    root = Path("/somewhere/experimentruns")
    usual = "sqlite:////somewhere/experimentruns/mlflow/mlflow.db"
    assert store_uri(root, {}) == store_uri(root, {"MLFLOW_TRACKING_URI": ""}) == usual
    assert store_uri(root, {"MLFLOW_TRACKING_URI": "http://host:5000"}) == "http://host:5000"
    assert is_server("https://host") and not is_server(usual)


def test_a_password_is_not_shown() -> None:
    assert without_password("http://me:secret@host:5000/x") == "http://me:***@host:5000/x"
    assert without_password("http://host") == "http://host"


def test_without_the_extra_nothing_is_mirrored_and_who_asks_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert is_wanted({})
    assert not is_wanted({"CAN_TRAIN_MLFLOW": "off"})
    require_installed("mlflow ui")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not is_wanted({})
    with pytest.raises(
        PreflightError, match="mlflow ui needs MLflow.*can-train env --install mlflow"
    ):
        require_installed("mlflow ui")
