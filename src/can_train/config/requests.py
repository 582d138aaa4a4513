"""Layer 1: what the user typed, as types, and the rules that one word implies for another.

The pydantic models are derived from the schema, so no bound is written twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from can_train.config.codec import allowed_text, unwrap
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting, option_of
from can_train.config.spec import experts, model_names
from can_train.errors import ConfigError, did_you_mean
from can_train.vocab import (
    Distillation,
    LearningType,
    Modality,
    ModelSize,
    TrainingStrategy,
)

Scalar = int | float | str
Size = int | float | tuple[int, ...]

NOT_GIVEN: Final = "none"
"""In a list of resources: the stage that takes what the site profile says."""

_JOIN: Final = "x"

STAGE_WORDS: Final[dict[str, Any]] = {
    "model": Literal[model_names()],  # the detectors that are declared
    "model_size": ModelSize,
    "training_strategy": TrainingStrategy,
    "learning_type": LearningType,
    "distillation": Distillation,
    "teacher_path": str,
}
"""Words that may differ by stage, with their types."""

PLAN_WORDS: Final[dict[str, Any]] = {
    "modality": Modality,
    "dataset": str,
    **{spec.path_word: str for spec in experts()},
}
"""Words that hold for the whole plan, with their types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequest:
    """One stage as it was asked for; None and absent settings mean "not given"."""

    number: int
    model: str
    distillation: Distillation | None = None
    model_size: ModelSize | None = None
    training_strategy: TrainingStrategy | None = None
    learning_type: LearningType | None = None
    teacher_path: str | None = None
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    architecture: Mapping[str, Size] = field(default_factory=dict)

    @property
    def with_kd(self) -> bool:
        """Whether the stage is asked to distil."""
        if self.distillation is None:
            return self.training_strategy == "distillation"
        return self.distillation == "with-kd"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A whole plan as it was asked for.

    `expert_paths` holds what was given by `--vgae-path` and the like, by the detector's name.
    """

    modality: Modality
    dataset: str
    stages: tuple[StageRequest, ...]
    expert_paths: Mapping[str, str] = field(default_factory=dict)
    auto_find_teacher: bool = False
    allow_foreign_teacher: bool = False
    settings: Mapping[str, Scalar] = field(default_factory=dict)


def parse_stage(
    number: int,
    text: Mapping[str, str],
    shared: Collection[str] = (),
    architecture: Mapping[str, str] | None = None,
) -> tuple[StageRequest | None, dict[str, ConfigError]]:
    """Types the words of one stage.

    Args:
        number: Its position in the plan, from 1.
        text: What was typed, by field name.
        shared: Names whose one value serves all stages, so that no stage needs naming.
        architecture: Of `--model-args`: `heads` or `gat.heads` to its text.

    Returns:
        The stage (None if its model can't be told; bad words are left out) and all problems by
        parameter name.
    """
    where = {name: "" if name in shared else f"stage {number}: " for name in text}
    kept = {n: v for n, v in text.items() if not (_is_resource(n) and v == NOT_GIVEN)}
    values, problems = _validate(_stage_model(), kept, where)
    if "model" not in values:
        return None, problems
    words = {name: values[name] for name in STAGE_WORDS if name in values}
    settings = {name: values[name] for name in SETTINGS if name in values}
    sizes, wrong = _architecture(values["model"], architecture or {})
    stage = StageRequest(number=number, settings=settings, architecture=sizes, **words)
    return stage, {**problems, **wrong}


def unused_architecture(given: Mapping[str, str], models: str) -> list[ConfigError]:
    """Keys of `--model-args` that no stage of the plan has."""
    planned = [model.strip() for model in models.split(",")]
    problems = []
    for key in given:
        model, _, name = key.rpartition(".")
        owners = [m for m, known in ARCHITECTURE_SETTINGS.items() if name in known]
        if not set(planned) & ({model} if model else set(owners)):
            problems.append(
                ConfigError(
                    f"--model-args: no stage takes {key}; it belongs to {', '.join(owners)}, "
                    f"this plan trains {', '.join(dict.fromkeys(planned))}. Leave it out"
                )
            )
    return problems


def parse_plan_words(
    text: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, Scalar], dict[str, ConfigError]]:
    """Types the words and settings that hold for the whole plan, and tells all problems by name."""
    values, problems = _validate(_plan_model(), text, dict.fromkeys(text, ""))
    words = {name: str(values[name]) for name in PLAN_WORDS if name in values}
    settings = {name: values[name] for name in SETTINGS if name in values}
    return words, settings, problems


@cache
def _stage_model() -> type[BaseModel]:
    settings = {name: s.annotation for name, s in SETTINGS.items() if s.per_stage}
    return _derive("StageText", {**STAGE_WORDS, **settings})


@cache
def _architecture_model(model: str) -> type[BaseModel]:
    known = ARCHITECTURE_SETTINGS[model]
    return _derive(f"{model}_text", {name: s.annotation for name, s in known.items()})


def _architecture(
    model: str, given: Mapping[str, str]
) -> tuple[dict[str, Size], dict[str, ConfigError]]:
    """Sizes for a stage of `model`: its own keys win over those for all models."""
    known = ARCHITECTURE_SETTINGS[model]
    text = {name: given[name] for name in known if name in given}
    text |= {name: given[f"{model}.{name}"] for name in known if f"{model}.{name}" in given}
    values, problems = _validate(_architecture_model(model), text, dict.fromkeys(text, ""), known)
    return values, {f"{model}.{name}": problem for name, problem in problems.items()}


def _is_resource(name: str) -> bool:
    return name in SETTINGS and SETTINGS[name].section == "resources"


@cache
def _plan_model() -> type[BaseModel]:
    settings = {name: s.annotation for name, s in SETTINGS.items() if not s.per_stage}
    return _derive("PlanText", {**PLAN_WORDS, **settings})


def _derive(name: str, annotations: Mapping[str, Any]) -> type[BaseModel]:
    """A pydantic model with the schema's types and bounds; nothing is required."""
    members: dict[str, Any] = {
        key: (_constrained(annotation) | None, None) for key, annotation in annotations.items()
    }
    config = ConfigDict(extra="forbid", allow_inf_nan=False, str_min_length=1)
    return create_model(name, __config__=config, **members)


def _constrained(annotation: Any) -> Any:
    base, param = unwrap(annotation)
    if param is None:
        return base
    return Annotated[base, Field(ge=param.ge, gt=param.gt, le=param.le, lt=param.lt)]


def _validate(
    model: type[BaseModel],
    text: Mapping[str, str],
    where: Mapping[str, str],
    known: Mapping[str, Setting] = SETTINGS,
) -> tuple[dict[str, Any], dict[str, ConfigError]]:
    raw: dict[str, Any] = {n: v.split(_JOIN) if _is_list(n, known) else v for n, v in text.items()}
    try:
        return model(**raw).model_dump(exclude_none=True), {}
    except ValidationError as error:
        bad = {str(item["loc"][0]) for item in error.errors()}
    good = {key: value for key, value in text.items() if key not in bad}
    values, problems = _validate(model, good, where, known)
    return values, {**{n: _problem(n, text[n], where[n], known) for n in sorted(bad)}, **problems}


def _is_list(name: str, known: Mapping[str, Setting]) -> bool:
    return name in known and get_origin(unwrap(known[name].annotation)[0]) is tuple


def _problem(name: str, text: str, where: str, known: Mapping[str, Setting]) -> ConfigError:
    words = {**STAGE_WORDS, **PLAN_WORDS}
    setting = known.get(name)
    annotation = words[name] if setting is None else setting.annotation
    allowed = allowed_text(annotation)
    arguments = getattr(unwrap(annotation)[0], "__args__", ())
    literal = [word for word in arguments if isinstance(word, str)]  # not those of a tuple
    near = did_you_mean(text, literal) or "."
    shown = text or "an empty value"
    option = option_of(name)
    if setting is not None and not setting.has_option:
        option = f"{setting.bucket}: {name}"
    return ConfigError(f"{option}: {where}{shown} isn't allowed{near} Allowed: {allowed}")
