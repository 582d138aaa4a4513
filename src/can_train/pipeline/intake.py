"""From a description of foreign weights to the config of the artifact that will hold them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict
from typing import Any, cast, get_args, get_origin

from can_train.config.codec import from_plain, hints_of, unwrap
from can_train.config.presets import preset
from can_train.config.schema import DqnConfig, GatConfig, RunConfig, VgaeConfig
from can_train.errors import ConfigError, did_you_mean
from can_train.pipeline.artifacts import Wanted
from can_train.vocab import STRATEGIES_OF_MODEL, TrainingStrategy

Architecture = GatConfig | VgaeConfig | DqnConfig


def intake_config(wanted: Wanted, model_args: str) -> RunConfig:
    """The config of a teacher of `wanted`, with the preset's architecture where nothing is given.

    Raises:
        ConfigError: `--model-args` names an unknown parameter, or a value that isn't allowed.
    """
    if wanted.data is None:
        raise TypeError("taking weights in needs a prepared dataset")
    strategy: TrainingStrategy = STRATEGIES_OF_MODEL[wanted.model][0]
    base = preset(wanted.model, "teacher", strategy)
    return RunConfig(
        modality=wanted.modality,  # type: ignore[arg-type]  # choices of the parser
        dataset=wanted.dataset,
        model=wanted.model,  # type: ignore[arg-type]
        model_size="teacher",
        training_strategy=strategy,
        data=wanted.data,
        architecture=with_model_args(base.architecture, model_args),
        training=base.training,
    )


def with_model_args(architecture: Architecture, text: str) -> Architecture:
    """`architecture` with what `key=value,key=value` says; tuples are written `96x48`.

    Raises:
        ConfigError: An unknown key, one given twice, or a value that isn't allowed.
    """
    cls: type[Architecture] = type(architecture)
    hints = hints_of(cast(Hashable, cls))
    given: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = item.partition("=")
        if not equals or key not in hints or key in given:
            why = "given twice" if key in given else f"unknown{did_you_mean(key, hints)}"
            raise ConfigError(
                f"--model-args: {item}: {why if equals else 'no key=value'}. "
                f"Allowed: {', '.join(hints)}"
            )
        given[key] = _value(value, hints[key], key)
    plain: Mapping[str, Any] = {**asdict(architecture), **given}
    return from_plain(cls, plain, "--model-args")


def _value(text: str, annotation: object, key: str) -> object:
    base, _ = unwrap(annotation)
    try:
        if get_origin(base) is tuple:
            return tuple(get_args(base)[0](part) for part in text.split("x"))
        return cast(type, base)(text)
    except ValueError as error:
        kind = "whole numbers such as 96x48" if get_origin(base) is tuple else "a number"
        raise ConfigError(f"--model-args: {key}={text}: not {kind}") from error
