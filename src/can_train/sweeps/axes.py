"""Axes of a grid: a word or setting each, and its values as the schema types them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from can_train.config.buckets import CLOSE, OPEN, bucket_text, parse_bucket
from can_train.config.codec import Json, allowed_text, from_text, unwrap
from can_train.config.columns import is_per_stage, items_of
from can_train.config.fields import SETTINGS, bucket_keys, option_of, setting_called
from can_train.config.requests import PLAN_WORDS, STAGE_WORDS
from can_train.config.typed import BUCKETS, Typed
from can_train.errors import ConfigError, did_you_mean
from can_train.plugins import Named

OPTION: Final = "--grid"
BUCKET: Final = "model_args"
BUCKET_OPTION: Final = BUCKETS[BUCKET]
_USE: Final = "Use for example: --grid learning_rate=0.001,0.003 --grid seed=1,2,3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a grid.

    Attributes:
        name: A word or setting.
        values: As JSON values; a list is one value per stage.
    """

    name: str
    values: tuple[Json, ...]


def parse_axis(text: str) -> Axis:
    """The axis that `NAME=VALUE,VALUE` means; `[a,b]` is one value per stage.

    Raises:
        ConfigError: It has another form, nobody knows the name, or a value isn't allowed.
    """
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise ConfigError(f"{OPTION}: {text or 'nothing'} isn't NAME=VALUE,VALUE. {_USE}")
    return axis_of(name.strip().replace("-", "_"), items_of(values))


def axis_of(name: str, texts: Sequence[str]) -> Axis:
    """An axis from the texts of its values.

    Raises:
        ConfigError: Nobody knows the name, or a value isn't allowed or there twice.
    """
    annotation = annotation_of(name)
    values = tuple(_value(name, annotation, text) for text in texts)
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ConfigError(f"{OPTION} {name}: {texts[index]} is there twice. Give it once")
    return Axis(name=name, values=values)


def text_of(value: Json) -> str:
    """What would be typed for a value of an axis."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def word_of(name: str, value: Json) -> str:
    """The same, by its word where it has one: `auto` for a batch of 0."""
    if isinstance(value, list):
        return ",".join(word_of(name, item) for item in value)
    param = unwrap(annotation_of(name))[1]
    words = {number: word for word, number in param.words} if param is not None else {}
    return words.get(value) or text_of(value)  # type: ignore[arg-type]  # None isn't a number


def points(axes: Sequence[Axis]) -> Iterator[dict[str, Json]]:
    """Every combination of one value per axis, the last axis fastest."""
    names = [axis.name for axis in axes]
    for values in itertools.product(*(axis.values for axis in axes)):
        yield dict(zip(names, values, strict=True))


def without_lists(typed: Typed) -> tuple[Typed, tuple[Axis, ...]]:
    """What was typed with the bracketed lists of `--model-args` taken out, and these as axes.

    Raises:
        ConfigError: A bucket can't be read, or lists what decides no result.
    """
    whole = {**typed.file_text, **typed.text}
    for bucket, option in BUCKETS.items():
        if bucket in whole and bucket != BUCKET:
            _refuse_lists(option, whole[bucket])
    if BUCKET not in whole:
        return typed, ()
    found = parse_bucket(BUCKET_OPTION, whole[BUCKET])
    lists = {name: values for name, values in found.items() if len(values) > 1}
    rest = {name: values[0] for name, values in found.items() if name not in lists}
    axes = tuple(axis_of(name, values) for name, values in lists.items())
    return _with_bucket(typed, rest), axes


def with_values(typed: Typed, values: Mapping[str, Json]) -> Typed:
    """What was typed with one value per axis."""
    whole = {**typed.file_text, **typed.text}
    pairs = parse_bucket(BUCKET_OPTION, whole[BUCKET]) if BUCKET in whole else {}
    bucket = {name: found[0] for name, found in pairs.items()}
    text = dict(typed.text)
    for name, value in values.items():
        (text if _has_option(name) else bucket)[name] = text_of(value)
    return _with_bucket(replace(typed, text=text), bucket)


def conflicts(typed: Typed, axes: Sequence[Named]) -> Iterator[ConfigError]:
    """Axes that are also given as one value, or twice."""
    bucket = parse_bucket(BUCKET_OPTION, typed.text[BUCKET]) if BUCKET in typed.text else {}
    seen: set[str] = set()
    for axis in axes:
        if axis.name in seen:
            yield ConfigError(f"{OPTION} {axis.name}: given twice. Give all of its values at once")
        seen.add(axis.name)
        if axis.name in typed.text or axis.name in bucket:
            option = option_of(axis.name) if axis.name in typed.text else BUCKET_OPTION
            yield ConfigError(f"{OPTION} {axis.name}: also given by {option}. Give it once")


def annotation_of(name: str) -> Any:
    """Declared type of a word or setting.

    Raises:
        ConfigError: Nobody knows it, or it decides no result.
    """
    words = {**STAGE_WORDS, **PLAN_WORDS}
    if name in words:
        return words[name]
    setting = setting_called(name)
    if setting is None:
        known = [*words, *bucket_keys(BUCKET_OPTION)]
        raise ConfigError(
            f"{OPTION} {name}: isn't known{did_you_mean(name, known) or '.'} "
            "Show what is: can-train config explain"
        )
    if setting.section == "resources":
        raise ConfigError(
            f"{OPTION} {name}: decides no result, so all runs would be the same. "
            f"Give one value: {option_of(name)}"
        )
    return setting.annotation


def _with_bucket(typed: Typed, bucket: Mapping[str, str]) -> Typed:
    text = {name: value for name, value in typed.text.items() if name != BUCKET}
    kept = {name: value for name, value in typed.file_text.items() if name != BUCKET}
    if bucket:
        text[BUCKET] = bucket_text(bucket)
    return replace(typed, text=text, file_text=kept)


def _has_option(name: str) -> bool:
    return name not in bucket_keys(BUCKET_OPTION) or (
        name in SETTINGS and SETTINGS[name].has_option
    )


def _value(name: str, annotation: Any, text: str) -> Json:
    """One value; of a list that stands for the stages each item is typed."""
    if text.startswith(OPEN) and text.endswith(CLOSE) and is_per_stage(name):
        return [_typed(name, annotation, item) for item in items_of(text[1:-1])]
    return _typed(name, annotation, text)


def _typed(name: str, annotation: Any, text: str) -> Json:
    try:
        value = from_text(annotation, text)
    except ConfigError as error:
        shown = text.strip() or "an empty value"
        words = [word for word in get_args(unwrap(annotation)[0]) if isinstance(word, str)]
        near = did_you_mean(text, words)
        raise ConfigError(
            f"{OPTION} {name}: {shown} isn't allowed{near or '.'} "
            f"Allowed: {allowed_text(annotation)}"
        ) from error
    return value if isinstance(value, int | float) else text.strip()


def _refuse_lists(option: str, text: str) -> None:
    for name, values in parse_bucket(option, text).items():
        if len(values) > 1:
            raise ConfigError(
                f"{option}: {name}: a list of what decides no result would make the same runs "
                "again. Give one value"
            )
