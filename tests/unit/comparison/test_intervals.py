"""Means over seeds: closed forms and references."""

import math

import numpy as np
import pytest
from scipy import stats

from can_train.comparison.intervals import over_seeds, paired


def test_two_values_have_the_closed_form() -> None:
    """n = 2: t(0.975, 1) = tan(0.475 pi), s / sqrt(2) = |a - b| / 2."""
    found = over_seeds([0.0, 2.0])
    assert found is not None and found.half_width is not None
    assert found.mean == 1.0
    assert found.half_width == pytest.approx(math.tan(0.475 * math.pi), rel=1e-12)
    assert (found.low, found.high) == (1 - found.half_width, 1 + found.half_width)


@pytest.mark.parametrize("count", [2, 3, 5, 30])
def test_intervals_and_paired_differences_agree_with_scipy(count: int) -> None:
    generator = np.random.default_rng(count)
    a, b = generator.normal(size=(2, count))
    found = over_seeds(a.tolist())
    assert found is not None
    expected = stats.t.interval(0.95, count - 1, loc=a.mean(), scale=stats.sem(a))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)
    difference = paired(a.tolist(), b.tolist())
    assert difference is not None
    reference = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx(tuple(reference), rel=1e-9)


def test_one_value_has_no_interval_and_missing_ones_no_mean() -> None:
    one = over_seeds([0.5])
    assert one is not None
    assert (one.mean, one.half_width, one.low, one.high, one.count) == (0.5, None, None, None, 1)
    assert over_seeds([]) is None
    assert over_seeds([0.5, None]) is None
    assert paired([0.5, 0.5], [0.1, None]) is None


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = paired([0.9, 0.8, 0.7], [0.9, 0.8, 0.7])
    assert found is not None
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
