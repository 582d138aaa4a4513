"""A prepared dataset with real frames, and finished runs as a worker leaves them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.frozen import load_frozen, write_frozen
from can_train.config.typed import Typed
from can_train.dataset.manifest import DatasetManifest, dataset_dir, manifest_json
from can_train.files import sha256_of
from can_train.frames.recording import Recording
from can_train.pipeline.plan import Plan, PlannedStage, make_plan
from can_train.runs.layout import Roots, artifact_path
from can_train.runs.state import end_running
from can_train.runs.summary import RankedFigure, write_summary

MakePlan = Callable[..., Plan]
Finish = Callable[..., Path]

FRAMES = 60_000
"""Enough for windows of both classes on every side."""

SECONDS = 120.0
"""Enough to make synthetic recordings from on every side."""

ATTACK = slice(FRAMES // 4, FRAMES // 2, 10)
"""Frames that are attacks, where there are any."""


def _recording(scenario: str, name: str) -> Recording:
    kind, _, vehicle = name.rpartition("-")
    return Recording(
        scenario=scenario,
        name=name,
        digest=hashlib.sha256(f"{scenario}/{name}".encode()).hexdigest(),
        frames=FRAMES,
        attack_frames=0 if kind == "attack-free" else len(range(FRAMES)[ATTACK]),
        start_s=0.0,
        duration_s=1.0,
        attack_kind="none" if kind == "attack-free" else kind,
        vehicle=vehicle,
        source=f"{scenario}/{name}.csv",
    )


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(data=tmp_path / "data", experiments=tmp_path / "runs", teachers=tmp_path / "reg")


@pytest.fixture
def dataset(roots: Roots) -> DatasetManifest:
    manifest = DatasetManifest(
        modality="automotive",
        dataset="car",
        recordings=(
            _recording("train_01_attack_free", "attack-free-kia"),
            _recording("train_02_with_attacks", "DoS-sonata"),
            _recording("test_01_known_vehicle_known_attack", "DoS-kia"),
        ),
    )
    folder = dataset_dir(roots.data, "automotive", "car")
    for recording in manifest.recordings:
        frames = folder / "frames" / recording.digest
        frames.mkdir(parents=True)
        for column in ("arbitration_id", "dlc", "payload"):
            np.save(frames / f"{column}.npy", np.zeros(1))
        np.save(frames / "timestamp.npy", np.linspace(0, SECONDS, FRAMES))
        label = np.zeros(FRAMES, np.uint8)
        if recording.attack_frames:
            label[ATTACK] = 1
        np.save(frames / "label.npy", label)
    (folder / "dataset.json").write_text(manifest_json(manifest))
    return manifest


@pytest.fixture
def plan_of(roots: Roots, dataset: DatasetManifest) -> MakePlan:
    def make(
        *,
        force: bool = False,
        register: bool = True,
        auto: bool = False,
        foreign: bool = False,
        **text: str,
    ) -> Plan:
        words = {"modality": "automotive", "dataset": "car", **text}
        typed = Typed(text=words, auto_find_teacher=auto, allow_foreign_teacher=foreign)
        return make_plan(typed, roots, force=force, register=register)

    return make


@pytest.fixture
def finish() -> Finish:
    """Leaves a planned run as a worker leaves it that finished; gives its artifact."""

    def finished(planned: PlannedStage, value: float = 1.0, weight: float = 0.0) -> Path:
        path = write_frozen(planned.frozen)
        run = load_frozen(path).run_dir
        artifact = artifact_path(run, planned.stage.model, planned.stage.model_size)
        artifact.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"weight": torch.full((3,), weight)}, artifact)
        validation = RankedFigure(
            metric="val_loss",
            value=value,
            higher_is_better=False,
            artifact_sha256=sha256_of(artifact),
        )
        write_summary(run, validation, {"epochs": 1, "parameters": 3})
        end_running(run, "finished", exit_code=0)
        return artifact

    return finished
