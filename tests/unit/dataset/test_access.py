"""A stored dataset as other programs read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.access import Dataset, open_dataset
from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.splits import SIDES
from can_train.dataset.synth import generate
from can_train.errors import ConfigError, PreflightError
from can_train.frames.readers import read_recording
from can_train.graphs.identity import WindowSpec

SPEC = WindowSpec(features="relational", window=50, stride=50)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout's folder with a synthetic dataset in its usual place."""
    home = tmp_path_factory.mktemp("home")
    generate(home / "csv", seed=1, scale=0.3)
    made: DatasetManifest = prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="car", data_root=home / "data", source=home / "csv"
        )
    )
    assert made.recordings
    return home


@pytest.fixture
def dataset(home: Path) -> Dataset:
    return open_dataset("automotive", "car", data_root=home / "data")


def test_data_lies_beside_the_launcher_unless_given(
    home: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(home))
    assert open_dataset("automotive", "car") == dataset


def test_frames_are_those_of_the_recording(home: Path, dataset: Dataset) -> None:
    for recording in dataset.recordings[:3]:
        read = read_recording(home / "csv" / recording.source).frames
        assert dataset.frames(recording).digest() == read.digest()


def test_windows_are_on_the_sides_of_the_split(dataset: Dataset) -> None:
    inputs = dataset.windows(SPEC)
    sides = [inputs.windows(side) for side in SIDES]
    together = np.concatenate(sides)
    assert len(np.unique(together)) == len(together) > 0
    assert inputs.store.spec == SPEC
    assert inputs.store.recordings == dataset.manifest.train
    benign = inputs.windows("train", benign=True)
    assert not inputs.store.label[benign].any()
    few = dataset.windows(SPEC, windows_per_side=50)
    assert len(few.windows("train")) == 50


def test_a_split_may_leave_a_vehicle_out(dataset: Dataset) -> None:
    inputs = dataset.windows(SPEC, split="leave-vehicle-out:alpha")
    of = inputs.store.recording[inputs.windows("held_out")]
    assert {inputs.store.recordings[number].vehicle for number in of} == {"alpha"}


def test_what_is_not_there_is_said(home: Path, dataset: Dataset) -> None:
    with pytest.raises(
        PreflightError, match=r"dataset bus isn't prepared under .*prepared there: car"
    ):
        open_dataset("automotive", "bus", data_root=home / "data")
    with pytest.raises(PreflightError, match="no vehicle kia"):
        dataset.windows(SPEC, split="leave-vehicle-out:kia")
    with pytest.raises(ConfigError, match="no side test of a split"):
        dataset.windows(SPEC).windows("test")
