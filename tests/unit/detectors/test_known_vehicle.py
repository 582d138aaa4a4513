"""Profiles of the training vehicles: what they are fitted on, their threshold, and their file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.dataset.splits import open_split, thinned
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.artifact import load_detector, save_detector
from can_train.detectors.calibration import conformal_threshold
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.known_vehicle import (
    LEAST_THRESHOLD,
    KnownVehicles,
    _usual,
    known_vehicles,
    profile_threshold,
)
from can_train.frames.store import load_frames
from can_train.graphs.store import open_store
from can_train.vehicle.profile import SILENT
from tests.lab import make_lab
from tests.unit.detectors_for_tests import config_of, untrained
from tests.unit.vehicle.cars_for_tests import drive, profile


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> DatasetWindows:
    """All windows of synthetic recordings of usual length."""
    lab = make_lab(tmp_path_factory.mktemp("cars"), dataset="cars", scale=1.0)
    return lab.inputs(lab.config("gat", data=lab.data(windows_per_side=None)))


@pytest.fixture(scope="module")
def known(inputs: DatasetWindows) -> KnownVehicles:
    found = known_vehicles(inputs, 0.001)
    assert found is not None
    return found


def test_each_training_vehicle_has_a_profile_of_its_own(known: KnownVehicles) -> None:
    assert [found.vehicle for found in known.profiles] == ["alpha", "bravo"]


def test_calibration_windows_alarm_as_seldom_as_promised(known: KnownVehicles) -> None:
    assert known.evidence.benign.share_above(known.threshold.value) <= 0.001
    assert known.threshold.value >= LEAST_THRESHOLD


def test_tests_of_known_vehicles_are_spoken_of_and_those_of_others_not(
    known: KnownVehicles, inputs: DatasetWindows
) -> None:
    store = open_store(inputs.folder, inputs.manifest.test, inputs.store.spec)
    score = known.of_store(store, np.arange(len(store)), inputs.folder)
    for number, recording in enumerate(store.recordings):
        here = store.recording == number
        if recording.vehicle == "charlie":
            assert (score[here] == SILENT).all()
        else:
            assert np.mean(score[here] > SILENT) > 0.5
            benign = here & (store.label == 0)
            assert np.mean(score[benign] > known.threshold.value) < 0.02
        if "malfunction" in recording.name and recording.vehicle != "charlie":
            assert np.mean(score[here & (store.label == 1)] > known.threshold.value) > 0.9


def test_training_on_fewer_windows_changes_no_profile(
    known: KnownVehicles, inputs: DatasetWindows
) -> None:
    fewer = thinned(inputs.sides, inputs.store.label, 50)
    again = known_vehicles(replace(inputs, sides=fewer), 0.001)
    assert again is not None
    for one, other in zip(known.profiles, again.profiles, strict=True):
        for a, b in zip(one.known, other.known, strict=True):
            np.testing.assert_array_equal(a, b)


def test_frames_of_other_sides_change_no_profile(
    known: KnownVehicles, inputs: DatasetWindows, tmp_path: Path
) -> None:
    split = open_split(
        inputs.folder.parents[1], inputs.manifest, name="time", window=inputs.data.window
    )
    for number, recording in enumerate(inputs.manifest.train):
        frames = load_frames(inputs.folder, recording)
        usual = _usual(split, recording, frames, inputs.data.window)
        windows = inputs.windows("validation", "fusion", "threshold")
        start = inputs.store.start[windows[inputs.store.recording[windows] == number]]
        held_out = start[:, None] + np.arange(inputs.data.window)
        assert len(start)
        assert usual.any() and not usual[held_out].any()
        assert not frames.label[usual].any()


def test_less_than_half_a_unit_is_never_an_alarm() -> None:
    small = np.linspace(0.0, 0.1, 2000)
    assert conformal_threshold(small, 0.01).value < LEAST_THRESHOLD
    assert profile_threshold(small, 0.01).value == LEAST_THRESHOLD
    assert profile_threshold(small + 3.0, 0.01).value > 3.0


def test_an_artifact_brings_them_along(tmp_path: Path) -> None:
    made = KnownVehicles(
        profiles=(profile("alpha"), profile("bravo")),
        threshold=profile_threshold(np.linspace(0, 2, 500), 0.01),
        evidence=CalibrationEvidence(benign=Margins.of(np.linspace(0, 2, 500))),
    )
    path = tmp_path / "m.pth"
    save_detector(path, untrained(config_of("gat"), vehicles=made))
    loaded = load_detector(path).vehicles
    assert loaded is not None
    assert loaded.threshold == made.threshold
    frames, start = drive("alpha", "malfunction", seed=9), np.arange(0, 9000, 50)
    np.testing.assert_array_equal(loaded.score(frames, start, 50), made.score(frames, start, 50))
    save_detector(path, untrained(config_of("gat")))
    assert load_detector(path).vehicles is None
