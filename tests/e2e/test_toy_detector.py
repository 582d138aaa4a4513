"""A third detector, added by naming one file in `$CAN_TRAIN_PLUGINS`, lives a whole life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from can_train.plugins import PLUGINS_VARIABLE

pytestmark = pytest.mark.slow

TOY = "tests/plugins/toy_detector.py"
IDENTITY = "automotive/small/{learning}/{model}/{size}/{distilled}/{strategy}"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> dict[str, Any]:
    """What `tests/plugins/toy_life.py` says, in a process that knows the toy from its start."""
    home = tmp_path_factory.mktemp("toy")
    done = subprocess.run(
        [sys.executable, "-m", "tests.plugins.toy_life", str(home)],
        cwd=repo_root,
        env={**os.environ, PLUGINS_VARIABLE: str(repo_root / TOY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_listed_between_those_it_builds_on_and_those_that_build_on_it(
    record: dict[str, Any],
) -> None:
    listed = record["listed"]
    assert listed["models"] == ["vgae", "gat", "toy", "dqn"]
    assert listed["experts"] == ["vgae", "gat", "toy"]
    assert {"toy teacher normal", "toy student normal"} <= set(listed["presets"])
    assert listed["settings"] == ["toy.hidden_channels"]


@pytest.mark.parametrize("size", ["teacher", "student"])
def test_it_is_trained_saved_loaded_and_evaluated(record: dict[str, Any], size: str) -> None:
    made = record[size]
    assert made["class"] == "ToyDetector"
    assert made["folder"] == IDENTITY.format(
        learning="supervised", model="toy", size=size, distilled="no_distillation",
        strategy="normal",
    )  # fmt: skip
    assert list(made["validation"]) == ["best_val_loss"]
    assert made["scorers"] == ["toy"]
    assert made["experts"] == {"vgae": None, "gat": None}
    assert made["parents"] == []


def test_it_is_distilled_from_its_own_kind(record: dict[str, Any]) -> None:
    plain, distilled = record["student"], record["distilled"]
    assert "/distilled/" in distilled["folder"]
    assert distilled["parents"] == ["teacher"]
    assert distilled["teacher_sha256"] is not None
    assert plain["teacher_sha256"] is None
    assert distilled["weights"] != plain["weights"]


def test_it_is_fused_in_place_of_the_gat(record: dict[str, Any]) -> None:
    fusion = record["fusion"]
    assert fusion["class"] == "FusionDetector"
    assert fusion["parents"] == ["toy", "vgae"]
    named = ["path", "run_id", "sha256"]
    assert fusion["experts"] == {"vgae": named, "gat": None, "toy": named}
    assert fusion["scorers"] == ["vgae", "toy", "fusion"]


def test_without_the_variable_nobody_knows_it(repo_root: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if k != PLUGINS_VARIABLE}
    code = "from can_train.config.spec import specs; print(*specs())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["vgae", "gat", "dqn"]
