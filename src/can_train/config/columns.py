"""Layer 2, second half: comma lists as columns, one per stage, padded where that is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from can_train.config.fields import SETTINGS, option_of
from can_train.config.requests import STAGE_WORDS, asked_distillation
from can_train.config.spec import model_names, spec_of
from can_train.errors import ConfigError, counted
from can_train.vocab import NO_KD, WITH_KD

Refuse = Callable[[str, ConfigError], None]
"""Takes what is wrong with the parameter of that name."""

_COMMA: Final = re.compile(r",(?![^\[\]]*\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where problems and warnings go."""

    refuse: Refuse
    warn: Callable[[str], None]


def items_of(text: str) -> list[str]:
    """Text between commas that aren't inside brackets: `node[1,2],node3` has two items."""
    return [item.strip() for item in _COMMA.split(text)]


def is_per_stage(name: str) -> bool:
    """Whether a parameter may differ by stage."""
    return name in STAGE_WORDS or (name in SETTINGS and SETTINGS[name].per_stage)


def split_stages(
    text: Mapping[str, str], report: Report, *, one_stage: bool
) -> list[dict[str, str]]:
    """One column of words per stage.

    Args:
        text: What was typed, by name; comma lists are one text.
        report: Where problems and warnings go.
        one_stage: Whether the command trains a single stage.
    """
    models = items_of(text["model"]) if "model" in text else []
    if one_stage and len(models) > 1:
        report.refuse("model", _one_only(text, len(models)))
    columns = [{"model": model} for model in models]
    for name in text:
        if name == "model" or not is_per_stage(name) or not models:
            continue
        row = _row(name, items_of(text[name]), models, report)
        for column, item in zip(columns, row, strict=False):
            if item is not None:
                column[name] = item
    if "teacher_path" in text and len(items_of(text["teacher_path"])) == 1:
        _only_where_distilling(columns)
    return columns


def with_alias(text: dict[str, str], report: Report) -> dict[str, str]:
    """`--use-kd` as `--distillation with-kd`, on a single job only."""
    models = items_of(text.get("model", ""))
    if len(models) > 1:
        words = ",".join(_usual_word(model) for model in models)
        problem = ConfigError(
            "--use-kd: only for a single job; a pipeline says which stages distil. "
            f"Use: --distillation {words}"
        )
        report.refuse("distillation", problem)
    elif text.get("distillation", WITH_KD) != WITH_KD:
        problem = ConfigError(
            f"--use-kd: contradicts --distillation {text['distillation']}. "
            f"Use: --distillation {WITH_KD}"
        )
        report.refuse("distillation", problem)
    else:
        text["distillation"] = WITH_KD
    return text


def _usual_word(model: str) -> str:
    return NO_KD if model in model_names() and not spec_of(model).distils else WITH_KD


def _only_where_distilling(columns: list[dict[str, str]]) -> None:
    """One teacher path serves the stages that distil; if none does, the rule says so."""
    words = [asked_distillation(c.get("distillation"), c.get("training_strategy")) for c in columns]
    for column, word in zip(columns, words, strict=True):
        if WITH_KD in words and word != WITH_KD:
            del column["teacher_path"]


def _row(
    name: str, items: list[str], models: Sequence[str], report: Report
) -> Sequence[str | None]:
    """The values of one option, one per stage."""
    if len(items) == len(models):
        return items
    if name == "distillation" and len(items) < len(models):
        padded = [*items, *[str(NO_KD)] * (len(models) - len(items))]
        if any(item != NO_KD for item in items):
            report.warn(
                f"--distillation: {len(items)} of {counted(len(models), 'stage')} given, "
                f"the others don't distil: {','.join(padded)}"
            )
        return padded
    if len(items) == 1:
        return items * len(models)
    report.refuse(name, _mismatch(name, items, models))
    return [None] * len(models)


def _one_only(text: Mapping[str, str], stages: int) -> ConfigError:
    return ConfigError(
        f"--model: train takes one stage, got {stages} ({text['model']}). "
        "Use: can-train pipeline --modality automotive --dataset "
        f"{text.get('dataset', 'hcrl_sa')} --model {text['model']}"
    )


def _mismatch(name: str, items: Sequence[str], models: Sequence[str]) -> ConfigError:
    shown = []
    for index in range(max(len(items), len(models))):
        model = models[index] if index < len(models) else "no such stage"
        item = items[index] if index < len(items) else "nothing"
        shown.append(f"stage {index + 1} ({model}) = {item}")
    return ConfigError(
        f"{option_of(name)}: {counted(len(items), 'value')} for "
        f"{counted(len(models), 'stage')}: {', '.join(shown)}. Give one value for all stages or "
        f"{counted(len(models), 'value')}"
    )
