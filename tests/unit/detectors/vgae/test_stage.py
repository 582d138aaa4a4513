"""What an epoch of a VGAE holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import UNIVERSE_VERSION
from can_train.detectors.vgae.stage import benign_windows
from tests.lab import Lab, make_lab


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Enough traffic for other cars to be made from."""
    home: Path = tmp_path_factory.mktemp("large")
    return make_lab(home, scale=1.0)


@pytest.mark.parametrize("synthetic", [0, 18])
def test_it_learns_calm_benign_windows_of_real_recordings_alone(large: Lab, synthetic: int) -> None:
    universe = UNIVERSE_VERSION if synthetic else None
    data = large.data(augment=synthetic, universe=universe, windows_per_side=None)
    config = large.config("vgae", data=data)
    inputs, chosen = large.inputs(config), large.stage(config).module.chosen
    assert np.array_equal(np.sort(chosen), inputs.undisturbed("train"))
    assert not inputs.store.label[chosen].any()
    judged_by = sum(len(batch) for batch in large.stage(config).module.validation_batches())
    assert judged_by == len(inputs.undisturbed("validation"))
    assert bool(synthetic) == bool(len(inputs.windows("synthetic_train")))


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
    assert np.array_equal(benign_windows(hostile, "train"), after)
    calm = hostile.undisturbed("threshold")
    assert np.array_equal(benign_windows(hostile, "threshold"), calm)
