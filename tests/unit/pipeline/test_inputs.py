"""What a stage consumes goes by role: a detector that nobody knows takes the usual one's place."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from can_train.runs.layout import Roots

TOY = """\
from dataclasses import dataclass
from typing import Annotated
from can_train.config.schema import Architecture, Param, TrainingConfig
from can_train.config.spec import Spec

@dataclass(frozen=True, slots=True, kw_only=True)
class ToyConfig(Architecture):
    hidden: Annotated[int, Param(help="width", ge=1)] = 4

SPEC = Spec(
    name="toy", title="a classifier of tests", strategies=("normal",), architecture=ToyConfig,
    presets={"teacher": ToyConfig(hidden=8), "student": ToyConfig()},
    training={"teacher": TrainingConfig(), "student": TrainingConfig()},
    detector="toy:Toy", stage="toy:build",
    role="probability",
)
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.py"
    path.write_text(TOY)
    return path


def can_train(toy: Path, roots: Roots, *words: str) -> subprocess.CompletedProcess[str]:
    places = (
        ("--data-root", roots.data),
        ("--experiment-root", roots.experiments),
        ("--teacher-root", roots.teachers),
    )
    folders = [str(word) for pair in places for word in pair]
    return subprocess.run(
        [sys.executable, "-P", "-m", "can_train", *words, *folders],
        capture_output=True,
        text=True,
        env={**os.environ, "CAN_TRAIN_PLUGINS": str(toy)},
        check=False,
    )


@pytest.mark.usefixtures("dataset")
def test_a_third_detector_is_fused_in_the_place_of_the_usual_one(toy: Path, roots: Roots) -> None:
    words = ("pipeline", "--modality", "automotive", "--dataset", "car", "--dry-run", "--json")
    done = can_train(toy, roots, *words, "--model", "vgae,gat,toy,dqn")
    assert done.returncode == 0, done.stderr
    *_, gat, toy_stage, fusion = json.loads(done.stdout)["stages"]
    assert [(item["role"], item["from_stage"]) for item in fusion["inputs"]] == [
        ("vgae", 1),
        ("toy", 3),
    ]
    assert fusion["inputs"][1]["run_id"] == toy_stage["run_id"] != gat["run_id"]
    distilled = can_train(
        toy, roots, *words, "--model", "toy,toy", "--model-size", "teacher,student",
        "--distillation", "no-kd,with-kd",
    )  # fmt: skip
    assert distilled.returncode == 0, distilled.stderr
    assert json.loads(distilled.stdout)["stages"][1]["teacher"]["from_stage"] == 1


@pytest.mark.usefixtures("dataset")
def test_a_third_detector_has_its_option_and_its_messages(toy: Path, roots: Roots) -> None:
    words = ("pipeline", "--modality", "automotive", "--dataset", "car")
    assert "--toy-path PATH" in can_train(toy, roots, "pipeline", "--help").stdout
    unread = can_train(toy, roots, *words, "--model", "vgae,dqn", "--toy-path", "no.pth")
    assert unread.returncode == 3
    assert "--toy-path: stage 2 (dqn): no.pth doesn't exist" in unread.stderr
    useless = can_train(toy, roots, *words, "--model", "vgae", "--toy-path", "no.pth")
    assert useless.returncode == 2
    assert "--toy-path: no stage takes a TOY" in useless.stderr
    twice = can_train(
        toy, roots, *words, "--model", "vgae,dqn", "--toy-path", "a.pth", "--gat-path", "b.pth"
    )
    assert "--toy-path: a.pth would have no effect: --gat-path gives what it is for" in twice.stderr
    usual = can_train(toy, roots, *words, "--model", "vgae,dqn")
    assert "it needs a gat of size teacher" in usual.stderr
