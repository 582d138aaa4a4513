"""From a description of foreign weights to the config of the artifact that will hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from can_train.config.buckets import parse_bucket
from can_train.config.fields import ARCHITECTURE_SETTINGS
from can_train.config.presets import preset
from can_train.config.requests import parse_stage
from can_train.config.schema import Architecture, RunConfig
from can_train.config.spec import spec_of
from can_train.errors import ConfigError, did_you_mean, raise_all
from can_train.teachers.fit import Wanted
from can_train.vocab import Modality


def intake_config(wanted: Wanted, model_args: str) -> RunConfig:
    """The config of a teacher of `wanted`, with the preset's architecture where nothing is given.

    Raises:
        ConfigError: `--model-args` names an unknown parameter, or a value that isn't allowed.
    """
    if wanted.data is None:
        raise TypeError("taking weights in needs a prepared dataset")
    model, strategy = wanted.model, spec_of(wanted.model).strategies[0]
    base = preset(model, "teacher", strategy)
    return RunConfig(
        modality=cast(Modality, wanted.modality),
        dataset=wanted.dataset,
        model=model,
        model_size="teacher",
        training_strategy=strategy,
        data=wanted.data,
        architecture=with_model_args(model, base.architecture, model_args),
        training=base.training,
    )


def with_model_args(model: str, architecture: Architecture, text: str) -> Architecture:
    """`architecture` with what `key=value,key=value` says; tuples are written `96x48`.

    Raises:
        ConfigError: An unknown key, one given twice, or a value that isn't allowed.
    """
    if not text:
        return architecture
    known = ARCHITECTURE_SETTINGS[model]
    given = parse_bucket("--model-args", text)
    problems = []
    for key, values in given.items():
        if key not in known:
            near = did_you_mean(key, known) or "."
            what = f"{key} isn't known{near} Allowed for a {model}: {', '.join(known)}"
            problems.append(ConfigError(f"--model-args: {what}"))
        elif len(values) > 1:
            problems.append(ConfigError(f"--model-args: {key} takes one value here, not a list"))
    raise_all(problems)
    only = {key: values[0] for key, values in given.items()}
    stage, wrong = parse_stage(1, {"model": model}, ("model",), only)
    raise_all(list(wrong.values()))
    sizes = {} if stage is None else stage.architecture
    return replace(architecture, **cast(dict[str, Any], sizes))
