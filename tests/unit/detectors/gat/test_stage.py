"""What an epoch of a GAT holds."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import AUGMENTED_EPOCH, UNIVERSE_VERSION, RunConfig
from can_train.dataset.windows import TRAINING
from can_train.detectors.gat.stage import SHORT_ATTACK_FRAMES
from tests.lab import Lab, make_lab

BATCH = 16


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Enough traffic for other cars to be made from."""
    home: Path = tmp_path_factory.mktemp("large")
    return make_lab(home, scale=1.0)


def augmented(lab: Lab, epoch: int | None = None) -> RunConfig:
    data = lab.data(augment=18, universe=UNIVERSE_VERSION, windows_per_side=None)
    config = lab.config("gat", data=data)
    return replace(config, training=replace(config.training, windows_per_epoch=epoch))


def test_an_epoch_with_other_cars_is_bounded_by_the_real_windows(large: Lab) -> None:
    """Unless a bound is given."""
    config = augmented(large)
    real = len(large.inputs(config).windows("train"))
    assert len(large.inputs(config).windows(*TRAINING)) > 3 * real
    most = math.ceil(AUGMENTED_EPOCH * real)
    assert large.stage(config).module.steps == -(-most // BATCH)
    assert large.stage(augmented(large, 64)).module.steps == 4


def test_windows_with_few_attack_frames_come_twice(large: Lab) -> None:
    """They would drown among those of a flood."""
    config = augmented(large, 10**6)
    inputs = large.inputs(config)
    windows = inputs.windows(*TRAINING)
    frames = np.rint(inputs.store.attack_fraction[windows] * inputs.data.window)
    short = np.count_nonzero((frames > 0) & (frames <= SHORT_ATTACK_FRAMES))
    assert short > BATCH
    assert large.stage(config).module.steps == -(-(len(windows) + short) // BATCH)
