"""What a universe holds."""

from __future__ import annotations

import pytest

from can_train.dataset.augment.attacks import KINDS
from can_train.dataset.augment.draws import Range
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.errors import ConfigError


def test_a_recipe_of_some_size_has_a_third_of_long_recordings():
    recipe = Recipe.of_size(36)
    assert recipe == Recipe()
    assert [recipe.is_long(number) for number in (0, 23, 24, 35)] == [False, False, True, True]
    assert Recipe.of_size(1).recordings == 1


def test_a_fold_leaves_twins_out_and_keeps_what_was_left_out():
    recipe = Recipe(left_out=("sweep",)).without("DoS")
    assert recipe.left_out == ("flood", "flood-known", "sweep")
    assert set(recipe.kinds) == set(KINDS) - set(recipe.left_out)


def test_one_vehicle_makes_all_recordings_other_cars():
    assert Recipe().for_vehicles(1).other_cars == 1.0
    assert Recipe().for_vehicles(2) == Recipe()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"left_out": ("dos",)}, "no kind of synthetic attack: dos"),
        ({"other_cars": 1.5}, "other_cars 1.5: a share from 0 to 1"),
        ({"long_attack_windows": -1.0}, "long_attack_windows -1: a share"),
        ({"short": -1}, "no negative numbers"),
        ({"long_s": 0.0}, "recordings of some length"),
        ({"short_episode_s": Range(low=0.0, high=1.0)}, "episodes need some length"),
    ],
)
def test_impossible_recipes_are_refused(wrong: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Recipe(**wrong)


def test_ranges_are_ranges():
    with pytest.raises(ConfigError, match="range 2 to 1"):
        Range(low=2.0, high=1.0)


def test_each_part_of_a_universes_name_makes_another_one():
    universes = [
        Universe(dataset_digest="a", seed=0),
        Universe(dataset_digest="b", seed=0),
        Universe(dataset_digest="a", seed=1),
        Universe(dataset_digest="a", seed=0, purpose="held-out"),
    ]
    draws = {u.random(number).integers(0, 2**62) for u in universes for number in range(3)}
    assert len(draws) == 12
    assert Universe(dataset_digest="a", seed=0).random(1).integers(0, 2**62) in draws
