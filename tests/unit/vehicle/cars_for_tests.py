"""Recordings of the synthetic cars, as files that are read back, and profiles of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from can_train.dataset.augment.attacks import KINDS
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.synthesis import SyntheticRecording, TrafficSource, synthesise
from can_train.dataset.synth.attacks import AttackKind
from can_train.dataset.synth.csv_file import write_csv
from can_train.dataset.synth.dataset import Planned, record
from can_train.frames.frame import Frames
from can_train.frames.readers import read_recording
from can_train.vehicle.fit import ProfileSource, fit_profile
from can_train.vehicle.profile import Step, VehicleProfile


@cache
def drive(
    vehicle: str, kind: AttackKind | None = None, *, seed: int = 0, duration_s: int = 20
) -> Frames:
    """One recording of a synthetic car."""
    planned = Planned(scenario="train_01", kind=kind, vehicle=vehicle, duration_s=duration_s)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "drive.csv"
        write_csv(path, record(planned, seed=seed))
        return read_recording(path).frames


def source(frames: Frames) -> ProfileSource:
    return ProfileSource(frames=frames, usual=frames.label == 0)


@cache
def profile(vehicle: str, drives: int = 3) -> VehicleProfile:
    """Fitted on drives with seeds from 0 on."""
    found = fit_profile(vehicle, [source(drive(vehicle, seed=seed)) for seed in range(drives)])
    assert found is not None
    return found


@cache
def fd_profile(vehicle: str) -> VehicleProfile:
    """The same with rules for 64 bytes: the further ones stay zero, and byte 20 counts by none."""
    found = profile(vehicle)
    shape = (len(found), 7)
    counter = found.known.counter.copy()
    quiet = counter[:, Step.MODULUS] == 0
    counter[quiet, Step.BYTE], counter[quiet, Step.MODULUS] = 20, 256
    known = found.known._replace(
        constant=np.hstack([found.known.constant, np.full(shape, -1).view(np.uint64)]),
        value=np.hstack([found.known.value, np.zeros(shape, np.uint64)]),
        counter=counter,
    )
    return replace(found, known=known)


@cache
def attacked(vehicle: str, kind: str, *, seed: int = 40, number: int = 0) -> SyntheticRecording:
    """A drive of its own with attacks of one kind put in."""
    recipe = Recipe(
        short=8, long=0, other_cars=0.0, ignition=0.0, oddities=0.0,
        left_out=tuple(other for other in KINDS if other != kind),
    )  # fmt: skip
    traffic = TrafficSource(frames=drive(vehicle, seed=seed, duration_s=40), vehicle=vehicle)
    universe = Universe(dataset_digest="cars", seed=0, purpose="test")
    return synthesise(traffic, universe, number, recipe)


def by_window(values: np.ndarray, window: int = 50) -> np.ndarray:
    """Largest value in each window."""
    whole = len(values) // window * window
    return values[:whole].reshape(-1, window).max(axis=1)
