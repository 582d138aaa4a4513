"""How well scores rank."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from can_train.detectors.ranking import average_precision


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
