"""Layer 1: what the user typed, as types; bounds are the schema's own (stdlib only)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from can_train.config.codec import allowed_text, from_text, unwrap
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting, option_of
from can_train.config.spec import ALIAS_STRATEGY, experts, model_names
from can_train.errors import ConfigError, did_you_mean
from can_train.vocab import (
    NO_KD,
    WITH_KD,
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
    """One stage as it was asked for; None and absent settings mean "not given".

    `distillation` is what was given, else what the strategy means: see `asked_distillation`.
    """

    number: int
    model: str
    distillation: Distillation = NO_KD
    model_size: ModelSize | None = None
    training_strategy: TrainingStrategy | None = None
    learning_type: LearningType | None = None
    teacher_path: str | None = None
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    architecture: Mapping[str, Size] = field(default_factory=dict)


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


def asked_distillation(given: str | None, strategy: str | None) -> str:
    """The word for distillation of one stage: what was given, else what its strategy means."""
    return given or (WITH_KD if strategy == ALIAS_STRATEGY else NO_KD)


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
    values, problems = _validate(kept, where)
    if "model" not in values:
        return None, problems
    words = {name: values[name] for name in STAGE_WORDS if name in values}
    given, strategy = words.get("distillation"), words.get("training_strategy")
    words["distillation"] = asked_distillation(given, strategy)
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
    values, problems = _validate(text, dict.fromkeys(text, ""))
    words = {name: str(values[name]) for name in PLAN_WORDS if name in values}
    settings = {name: values[name] for name in SETTINGS if name in values}
    return words, settings, problems


def _architecture(
    model: str, given: Mapping[str, str]
) -> tuple[dict[str, Size], dict[str, ConfigError]]:
    """Sizes for a stage of `model`: its own keys win over those for all models."""
    known = ARCHITECTURE_SETTINGS[model]
    text = {name: given[name] for name in known if name in given}
    text |= {name: given[f"{model}.{name}"] for name in known if f"{model}.{name}" in given}
    values, problems = _validate(text, dict.fromkeys(text, ""), known)
    return values, {f"{model}.{name}": problem for name, problem in problems.items()}


def _is_resource(name: str) -> bool:
    return name in SETTINGS and SETTINGS[name].section == "resources"


def _validate(
    text: Mapping[str, str], where: Mapping[str, str], known: Mapping[str, Setting] = SETTINGS
) -> tuple[dict[str, Any], dict[str, ConfigError]]:
    """Typed values, and what is wrong with the others, by name."""
    values: dict[str, Any] = {}
    problems: dict[str, ConfigError] = {}
    for name in sorted(text):
        try:
            values[name] = from_text(_annotation(name, known), text[name])
        except ConfigError:
            problems[name] = _problem(name, text[name], where[name], known)
    return values, problems


def _annotation(name: str, known: Mapping[str, Setting]) -> Any:
    return known[name].annotation if name in known else {**STAGE_WORDS, **PLAN_WORDS}[name]


def _problem(name: str, text: str, where: str, known: Mapping[str, Setting]) -> ConfigError:
    """What is wrong in the words of the command line: the option, the stage, what is allowed."""
    annotation = _annotation(name, known)
    arguments = get_args(unwrap(annotation)[0])
    literal = [word for word in arguments if isinstance(word, str)]  # not those of a tuple
    near = did_you_mean(text, literal) or "."
    setting = known.get(name)
    option = option_of(name)
    if setting is not None and not setting.has_option:
        option = f"{setting.bucket}: {name}"
    shown, allowed = text.strip() or "an empty value", allowed_text(annotation)
    return ConfigError(f"{option}: {where}{shown} isn't allowed{near} Allowed: {allowed}")
