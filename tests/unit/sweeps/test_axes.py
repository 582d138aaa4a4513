"""Values of an axis are what the schema types them as, or are refused with what is allowed."""

from __future__ import annotations

import pytest

from can_train.config.codec import Json
from can_train.config.typed import Typed
from can_train.errors import ConfigError
from can_train.sweeps.axes import (
    conflicts,
    parse_axis,
    points,
    text_of,
    with_values,
    without_lists,
    word_of,
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("learning_rate=0.001,3e-3", (0.001, 0.003)),
        ("learning-rate=0.001", (0.001,)),
        ("batch_size=32,64", (32, 64)),
        ("epochs=[60,40],[80,40]", ([60, 40], [80, 40])),
        ("dataset=hcrl_sa,set_01", ("hcrl_sa", "set_01")),
        ("distillation=[no-kd,no-kd],with-kd", (["no-kd", "no-kd"], "with-kd")),
        ("gat.heads=2,4", (2, 4)),
        ("gat.fc_channels=96x48,32", ("96x48", "32")),
        ("start_ratio=1,2", (1.0, 2.0)),
        ("augment=off,on", (0, 36)),
    ],
)
def test_values_are_typed_by_the_schema(text: str, values: tuple[object, ...]) -> None:
    assert parse_axis(text).values == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rate=fast", "--grid learning_rate: fast isn't allowed. Allowed: a number > 0"),
        ("learning_rate=nan", "--grid learning_rate: nan isn't allowed. Allowed: a number > 0"),
        ("learning_rate=1e300", "Allowed: a number > 0 and <= 10"),
        ("batch_size=32,", "--grid batch_size: an empty value isn't allowed. Allowed: auto or a"),
        ("seed=1,1.0", "--grid seed: 1.0 is there twice"),
        ("learnin_rate=1", "--grid learnin_rate: isn't known; did you mean learning_rate?"),
        ("model_size=techer", "did you mean teacher? Allowed: teacher, student"),
        ("window=[50,100]", "--grid window: [50,100] isn't allowed. Allowed: a whole number"),
        ("memory=8G,16G", "--grid memory: decides no result"),
        ("learning_rate", "--grid: learning_rate isn't NAME=VALUE,VALUE. Use for example: --grid"),
        ("=1", "isn't NAME=VALUE,VALUE"),
        ("seed=", "isn't NAME=VALUE,VALUE"),
    ],
)
def test_a_wrong_axis_is_refused_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_axis(text)
    assert said in str(error.value)


def test_the_last_axis_is_the_fastest() -> None:
    axes = [parse_axis("seed=1,2"), parse_axis("batch_size=8,16")]
    assert [tuple(point.values()) for point in points(axes)] == [(1, 8), (1, 16), (2, 8), (2, 16)]


def test_values_stand_where_they_would_be_typed() -> None:
    typed = Typed(text={"model": "gat", "model_args": "heads=2,layers=3"})
    values: dict[str, Json] = {"epochs": [3, 4], "fc_channels": "96x48", "start_ratio": 1.5}
    found = with_values(typed, values)
    assert found.text == {
        "model": "gat",
        "epochs": "3,4",
        "model_args": "heads=2,layers=3,fc_channels=96x48,start_ratio=1.5",
    }
    assert text_of([3, 4]) == "3,4"


def test_lists_in_a_bucket_are_axes() -> None:
    typed = Typed(text={"model_args": "learning_rate=[0.001,0.003],heads=2"})
    rest, axes = without_lists(typed)
    assert rest.text == {"model_args": "heads=2"}
    assert [(axis.name, axis.values) for axis in axes] == [("learning_rate", (0.001, 0.003))]


def test_a_list_of_resources_is_refused() -> None:
    with pytest.raises(ConfigError, match="--slurm-args: memory: a list of what decides no result"):
        without_lists(Typed(text={"slurm_args": "memory=[8G,16G]"}))


def test_what_is_given_twice_is_told() -> None:
    axes = [parse_axis(text) for text in ("seed=1,2", "seed=3,4", "heads=2,4", "epochs=1,2")]
    typed = Typed(text={"epochs": "3", "model_args": "heads=8"})
    assert [str(problem) for problem in conflicts(typed, axes)] == [
        "--grid seed: given twice. Give all of its values at once",
        "--grid heads: also given by --model-args. Give it once",
        "--grid epochs: also given by --epochs. Give it once",
    ]


def test_values_with_a_word_are_shown_by_it() -> None:
    assert word_of("batch_size", 0) == "auto"
    assert word_of("batch_size", 32) == "32"
    assert word_of("batch_size", [0, 32]) == "auto,32"
    assert word_of("dataset", "hcrl_sa") == "hcrl_sa"
