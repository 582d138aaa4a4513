"""Random figures: within their range, all of it reached, orders of magnitude equally likely."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment.draws import Range, chance
from can_train.errors import ConfigError

DRAWS = 4000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_range_needs_an_order() -> None:
    with pytest.raises(ConfigError, match="range 3 to 2: needed is 0 <= low <= high"):
        Range(low=3, high=2)
    with pytest.raises(ConfigError, match="range -1 to 2"):
        Range(low=-1, high=2)


def test_parts_of_a_range_are_never_empty() -> None:
    whole = Range(low=2, high=8)
    assert whole.at_least(5) == Range(low=5, high=8)
    assert whole.at_least(9) == Range(low=9, high=9)
    assert whole.at_most(5) == Range(low=2, high=5)
    assert whole.at_most(1) == Range(low=1, high=1)


def test_logarithmic_draws_have_as_many_small_as_large_ones(rng: np.random.Generator) -> None:
    drawn = np.array([Range(low=0.01, high=100).log_uniform(rng) for _ in range(DRAWS)])
    assert drawn.min() >= 0.01 and drawn.max() <= 100
    assert abs((drawn < 1).mean() - 0.5) < 0.05
    even = np.array([Range(low=0, high=100).uniform(rng) for _ in range(DRAWS)])
    assert abs((even < 50).mean() - 0.5) < 0.05


def test_whole_numbers_reach_both_ends(rng: np.random.Generator) -> None:
    drawn = {Range(low=1, high=4).whole(rng) for _ in range(DRAWS)}
    assert drawn == {1, 2, 3, 4}


def test_a_chance_is_as_likely_as_it_says(rng: np.random.Generator) -> None:
    assert not any(chance(rng, 0.0) for _ in range(100))
    assert all(chance(rng, 1.0) for _ in range(100))
    assert abs(np.mean([chance(rng, 0.2) for _ in range(DRAWS)]) - 0.2) < 0.03
