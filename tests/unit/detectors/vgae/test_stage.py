"""What an epoch of a VGAE holds."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import AUGMENTED_EPOCH, UNIVERSE_VERSION
from can_train.dataset.windows import TRAINING
from can_train.detectors.vgae.stage import benign_windows
from tests.lab import Lab, make_lab


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Enough traffic for other cars to be made from."""
    home: Path = tmp_path_factory.mktemp("large")
    return make_lab(home, scale=1.0)


def test_it_learns_benign_windows_of_real_and_synthetic_recordings(large: Lab) -> None:
    data = large.data(augment=18, universe=UNIVERSE_VERSION, windows_per_side=None)
    config = large.config("vgae", data=data)
    every = replace(config, training=replace(config.training, windows_per_epoch=10**6))
    inputs, chosen = large.inputs(every), large.stage(every).module.chosen
    assert np.array_equal(np.sort(chosen), inputs.undisturbed(*TRAINING))
    assert not inputs.store.label[chosen].any()
    assert inputs.synthetic(chosen).any() and not inputs.synthetic(chosen).all()
    real = len(inputs.windows("train", benign=True))
    assert len(large.stage(config).module.chosen) == math.ceil(AUGMENTED_EPOCH * real)


def test_without_synthetic_recordings_it_learns_real_ones(large: Lab) -> None:
    config = large.config("vgae", data=large.data(windows_per_side=None))
    chosen = large.stage(config).module.chosen
    assert np.array_equal(np.sort(chosen), large.inputs(config).undisturbed("train"))


def test_where_all_benign_windows_come_after_an_attack_it_learns_them(large: Lab) -> None:
    inputs = large.inputs(large.config("vgae", data=large.data(windows_per_side=None)))
    recording = inputs.store.recording
    after = (np.flatnonzero(recording[1:] == recording[:-1]) + 1)[::2]
    fraction = np.zeros(len(recording), dtype=inputs.store.attack_fraction.dtype)
    fraction[after - 1] = 0.01
    after = after[fraction[after] == 0]
    train, other = inputs.windows("train")[0], inputs.windows("threshold")[0]
    sides = np.full_like(inputs.sides, inputs.sides[other])
    sides[after] = inputs.sides[train]
    store = replace(inputs.store, attack_fraction=fraction)
    hostile = replace(inputs, sides=sides, store=store)
    assert not len(hostile.undisturbed("train"))
    assert np.array_equal(benign_windows(hostile, ("train",)), after)
    assert np.array_equal(
        benign_windows(hostile, ("train", "threshold")),
        np.sort(np.concatenate([after, hostile.undisturbed("threshold")])),
    )
