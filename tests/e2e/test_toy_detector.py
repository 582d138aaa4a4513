"""A third detector, added by naming one file in `$CAN_TRAIN_PLUGINS`, lives a whole life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from can_train.evaluation.report import load_report
from can_train.plugins import PLUGINS_VARIABLE

pytestmark = pytest.mark.slow

TOY = "tests/plugins/toy_detector.py"
IDENTITY = "automotive/small/{learning}/{model}/{size}/{distilled}/{strategy}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toy")


@pytest.fixture(scope="module")
def record(home: Path, repo_root: Path) -> dict[str, Any]:
    """What `tests/plugins/toy_life.py` says, in a process that knows the toy from its start."""
    found: dict[str, Any] = json.loads(python(home, repo_root, "tests.plugins.toy_life", str(home)))
    return found


def python(home: Path, repo_root: Path, module: str, *words: str) -> str:
    """Output of a module that is run where `$CAN_TRAIN_PLUGINS` names the toy."""
    variables = {PLUGINS_VARIABLE: str(repo_root / TOY), "CAN_TRAIN_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=repo_root,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    assert made["scorers"] == ["vehicle_profile", "toy"]
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
    assert fusion["scorers"] == ["vehicle_profile", "vgae", "toy", "fusion"]


def test_the_command_line_lists_plans_trains_and_fuses_it(
    record: dict[str, Any], home: Path, repo_root: Path
) -> None:
    assert "toy    teacher " in python(home, repo_root, "can_train", "models")
    assert "toy student normal" in python(home, repo_root, "can_train", "list-configs")
    said = python(
        home, repo_root, "can_train", "pipeline", "--modality", "automotive", "--dataset", "small",
        "--model", "vgae,toy,dqn", "--model-size", "student", "--epochs", "1", "--threads", "1",
        "--windows-per-side", "100", "--model-args", "toy.hidden_channels=5",
    )  # fmt: skip
    assert "test_06_masquerade" in said
    fused = IDENTITY.format(
        learning="rl_fusion", model="dqn", size="student", distilled="no_distillation",
        strategy="fusion",
    )  # fmt: skip
    report = load_report(home / "experimentruns" / fused / "latest" / "evaluation.json")
    assert report.settings["window"] == 100
    models = {row.scorer for row in report.rows if row.kind == "model"}
    assert models == {"vehicle_profile", "vgae", "toy", "fusion"}


def test_without_the_variable_nobody_knows_it(repo_root: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if k != PLUGINS_VARIABLE}
    code = "from can_train.config.spec import specs; print(*specs())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["vgae", "gat", "dqn"]
