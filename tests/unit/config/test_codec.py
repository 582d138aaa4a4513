"""One validator for one bound: what is typed and what is frozen are judged alike."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.config.codec import from_plain, from_text, hints_of, to_plain, unwrap
from can_train.config.fields import SETTINGS, Setting
from can_train.config.presets import usual_architecture
from can_train.config.schema import (
    RESULTS_VERSION,
    CurriculumConfig,
    DataConfig,
    RunConfig,
    TrainingConfig,
)
from can_train.detectors.gat.spec import GatConfig
from can_train.errors import ConfigError

HINTS = {**hints_of(TrainingConfig), **hints_of(DataConfig), **hints_of(GatConfig)}
NUMBERS = {
    setting: cls
    for setting in SETTINGS.values()
    for section, cls in (("training", TrainingConfig), ("curriculum", CurriculumConfig))
    if setting.section == section
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "5", 5),
        ("epochs", " +5 ", 5),
        ("epochs", "5.0", 5),
        ("epochs", "1_000", 1000),
        ("learning_rate", "1e-3", 0.001),
        ("learning_rate", "1", 1.0),
        ("learning_rate", ".5", 0.5),
        ("fc_channels", "96x48", (96, 48)),
        ("fc_channels", "24", (24,)),
        ("features", "classic", "classic"),
        ("split", "leave-attack-out:DoS", "leave-attack-out:DoS"),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(name: str, text: str, value: object) -> None:
    found = from_text(HINTS[name], text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "5.5"), ("epochs", "5."), ("epochs", "1e3"), ("epochs", "0x10"),
        ("epochs", "\u0663"), ("epochs", "0"), ("epochs", "10001"), ("epochs", "true"),
        ("epochs", "9" * 5000), ("batch_size", "none"), ("learning_rate", "inf"),
        ("learning_rate", "nan"), ("learning_rate", "0"), ("learning_rate", "10.1"),
        ("learning_rate", "\u0663"), ("fc_channels", "9x"), ("fc_channels", "9,8"),
        ("features", "Classic"), ("split", ""), ("epochs", ""),
    ],
)  # fmt: skip
def test_what_is_not_a_value_or_out_of_bounds_is_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^here: .*Allowed: "):
        from_text(HINTS[name], text, "here")


@given(
    st.sampled_from(sorted(NUMBERS, key=lambda s: s.name)),
    st.integers(-3, 20_000) | st.floats(-1, 200, allow_nan=False),
)
def test_typing_and_thawing_agree_on_every_bound(setting: Setting, number: float) -> None:
    if unwrap(setting.annotation)[0] is int:
        number = math.floor(number)
    cls = NUMBERS[setting]
    usual = {name: getattr(cls(), name) for name in hints_of(cls)}
    assert _accepts(lambda: from_text(setting.annotation, repr(number))) == _accepts(
        lambda: from_plain(cls, {**usual, setting.name: number}, "config")
    )


def _accepts(make: object) -> bool:
    try:
        make()  # type: ignore[operator]
    except ConfigError:
        return False
    return True


def test_a_field_that_was_added_later_changes_no_hash_of_before() -> None:
    before = DataConfig(dataset_digest="d", split_digest="s")
    plain = to_plain(before, DataConfig)
    assert isinstance(plain, dict) and "augment" not in plain
    assert from_plain(DataConfig, plain, "data") == before
    after = replace(before, augment=36)
    found = to_plain(after, DataConfig)
    assert isinstance(found, dict) and found["augment"] == 36
    assert from_plain(DataConfig, found, "data") == after


@pytest.mark.parametrize(("text", "number"), [("off", 0), ("on", 36), ("7", 7), ("0", 0)])
def test_words_stand_for_numbers(text: str, number: int) -> None:
    assert from_text(SETTINGS["augment"].annotation, text) == number


def test_a_word_that_stands_for_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="'yes'. Allowed: off, on or a whole number >= 0 and"):
        from_text(SETTINGS["augment"].annotation, "yes", "augment")


def test_what_held_before_a_field_was_added_is_not_written_even_if_it_is_not_the_default() -> None:
    config = RunConfig(
        modality="automotive",
        dataset="small",
        model="gat",
        model_size="student",
        training_strategy="normal",
        data=DataConfig(dataset_digest="d", split_digest="s"),
        architecture=usual_architecture("gat", "student"),
    )
    plain = to_plain(config, RunConfig)
    assert isinstance(plain, dict) and plain["results"] == RESULTS_VERSION
    earlier = {name: value for name, value in plain.items() if name != "results"}
    found = from_plain(RunConfig, earlier, "config")
    assert found.results == 1
    assert to_plain(found, RunConfig) == earlier


def test_numbers_of_a_long_tuple_are_floats_whatever_they_were() -> None:
    plain = to_plain((1, 2.5, -0.0), tuple[float, ...])
    assert [str(number) for number in plain] == ["1.0", "2.5", "-0.0"]  # type: ignore[union-attr]
    assert to_plain((1.5, 2.5), tuple[float, ...]) == [1.5, 2.5]
    with pytest.raises(ConfigError, match="can't be stored"):
        to_plain((1.5, 1j), tuple[float, ...])


def test_added_fields_are_still_checked() -> None:
    plain = to_plain(DataConfig(dataset_digest="d", split_digest="s"), DataConfig)
    assert isinstance(plain, dict)
    with pytest.raises(ConfigError, match="data.augment: -1"):
        from_plain(DataConfig, {**plain, "augment": -1}, "data")
