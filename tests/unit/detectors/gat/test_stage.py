"""What an epoch of a GAT holds."""

import math
from dataclasses import replace
from pathlib import Path

from can_train.config.schema import AUGMENTED_EPOCH, UNIVERSE_VERSION
from tests.lab import make_lab


def test_an_epoch_with_other_cars_is_bounded_by_the_real_windows(tmp_path: Path) -> None:
    """Unless a bound is given."""
    lab = make_lab(tmp_path, scale=1.0)
    data = lab.data(augment=18, universe=UNIVERSE_VERSION, windows_per_side=None)
    config = lab.config("gat", data=data)
    real = len(lab.inputs(config).windows("train"))
    assert len(lab.inputs(config).windows("train", "synthetic_train")) > 3 * real
    most = math.ceil(AUGMENTED_EPOCH * real)
    assert lab.stage(config).module.steps == -(-most // 16)
    given = replace(config, training=replace(config.training, windows_per_epoch=64))
    assert lab.stage(given).module.steps == 4
    plain = replace(config, data=lab.data(windows_per_side=None))
    assert lab.stage(plain).module.steps == -(-real // 16)
