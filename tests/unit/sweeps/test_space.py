"""What a search chooses from: ranges on the schema's scale, and what it refuses."""

from __future__ import annotations

import pytest

from can_train.errors import ConfigError
from can_train.sweeps.space import (
    NumberRange,
    axes_from,
    definition_of,
    ends_of,
    parse_search_axis,
    refuse_ranges,
    size_of,
)


@pytest.mark.parametrize(
    ("text", "ends", "log", "whole"),
    [
        ("learning_rate=1e-4..1e-2", (0.0001, 0.01), True, False),
        ("learning-rate = 1e-4 .. 1e-2:linear", (0.0001, 0.01), False, False),
        ("alpha=0..1", (0.0, 1.0), False, False),
        ("alpha=0.1..1:log", (0.1, 1.0), True, False),
        ("batch_size=16..256", (16, 256), True, True),
        ("gat.heads=1..8", (1, 8), False, True),
    ],
)
def test_a_range_has_the_scale_of_the_schema(
    text: str, ends: tuple[float, float], log: bool, whole: bool
) -> None:
    axis = parse_search_axis(text)
    assert isinstance(axis, NumberRange)
    assert (ends_of(axis), axis.log, axis.whole) == (ends, log, whole)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rate=1e-2..1e-4", "1e-2 isn't below 1e-4, and the lower end comes first"),
        ("learning_rate=1e-4..fast", "--grid learning_rate: fast isn't allowed. Allowed: a number"),
        ("learning_rate=1e-4..1e3", "1e3 isn't allowed"),
        ("learning_rate=1e-4..1e-2:cubic", "cubic isn't a scale. Allowed: log, linear"),
        ("weight_decay=0..0.1", "a logarithmic range can't begin at 0. Begin above 0, or add :lin"),
        ("features=classic..relational", "--grid features: isn't a number, so it has no range"),
        ("sed=1..2", "isn't known; did you mean seed?"),
        ("seed=1..9", "--grid seed: a search can't choose by it"),
        ("dataset=a,b", "figures of different data don't compare"),
        ("memory=1..2", "--grid memory: decides no result"),
        ("gat.heads=1.5..3", "1.5 isn't allowed"),
    ],
)
def test_what_cant_be_searched_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_search_axis(text)
    assert said in str(error.value)


def test_a_grid_takes_no_range() -> None:
    refuse_ranges(["seed=1,2", "epochs=[60,40],[80,40]"])
    with pytest.raises(ConfigError, match="a range is for a search. Add --search tpe --trials 40"):
        refuse_ranges(["seed=1,2", "alpha=0..1"])


def test_the_record_gives_the_same_axes() -> None:
    texts = ("learning_rate=1e-4..1e-2", "gat.heads=2,4", "epochs=[3,4],[4,4]", "alpha=0..1")
    axes = [parse_search_axis(text) for text in texts]
    assert list(axes_from(definition_of(axes))) == axes
    assert size_of(axes) == float("inf") and size_of(axes[1:3]) == 4
    assert size_of([parse_search_axis("gat.heads=1..8")]) == 8


def test_numbers_have_few_digits_and_stay_within() -> None:
    axis = parse_search_axis("learning_rate=0.000123444..0.01")
    assert isinstance(axis, NumberRange)
    assert axis.rounded(0.00123456789) == 0.001235
    assert axis.rounded(0.000123444) == 0.000123444
    heads = parse_search_axis("gat.heads=1..8")
    assert isinstance(heads, NumberRange) and heads.rounded(3.0) == 3
