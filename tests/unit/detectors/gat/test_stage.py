"""How an epoch of a GAT is judged."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from can_train.config.schema import AUGMENTED_EPOCH, UNIVERSE_VERSION
from can_train.detectors.gat.stage import average_precision
from tests.lab import Lab


@pytest.mark.parametrize("decimals", [1, 2, 9])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_average_precision_is_scikit_learns_with_and_without_ties(
    decimals: int, share: float
) -> None:
    rng = np.random.default_rng(decimals)
    label = (rng.random(500) < share).astype(np.int64)
    label[:2] = [0, 1]
    score = np.round(rng.normal(label, 1.0), decimals)
    expected = average_precision_score(label, score)
    assert average_precision(label, score) == pytest.approx(expected, rel=1e-12)


def test_equal_scores_have_the_precision_of_chance() -> None:
    assert average_precision(np.array([0, 1, 0, 1, 0]), np.full(5, 0.5)) == pytest.approx(0.4)


def test_an_epoch_with_other_cars_is_bounded_by_the_real_windows(lab: Lab) -> None:
    """Unless a bound is given."""
    data = lab.data(augment=6, universe=UNIVERSE_VERSION, windows_per_side=None)
    config = lab.config("gat", data=data)
    real = len(lab.inputs(config).windows("train"))
    assert len(lab.inputs(config).windows("train", "synthetic_train")) > 3 * real
    most = math.ceil(AUGMENTED_EPOCH * real)
    assert lab.stage(config).module.steps == -(-most // 16)
    given = replace(config, training=replace(config.training, windows_per_epoch=64))
    assert lab.stage(given).module.steps == 4
    plain = replace(config, data=lab.data(windows_per_side=None))
    assert lab.stage(plain).module.steps == -(-real // 16)
