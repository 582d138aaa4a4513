"""Layer 2: from what was typed to stages, and from stages to run configs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from can_train.config.fields import SETTINGS, option_of
from can_train.config.presets import preset
from can_train.config.requests import (
    PLAN_WORDS,
    STAGE_WORDS,
    PlanRequest,
    Scalar,
    Size,
    StageRequest,
    parse_plan_words,
    parse_stage,
    unused_architecture,
)
from can_train.config.rules import problems_of
from can_train.config.schema import (
    TEACHER,
    DataConfig,
    DistillationConfig,
    Parent,
    Resources,
    RunConfig,
)
from can_train.config.spec import ALIAS_STRATEGY, Role, experts, model_names, spec_of
from can_train.config.typed import Typed, merge
from can_train.errors import ConfigError
from can_train.vocab import (
    LEARNING_TYPE_OF_STRATEGY,
    LearningType,
    Modality,
    ModelSize,
    TrainingStrategy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage with every word decided, before its parents are known."""

    number: int
    model: str
    model_size: ModelSize
    training_strategy: TrainingStrategy
    with_kd: bool
    teacher_path: str | None
    settings: Mapping[str, Scalar]
    architecture: Mapping[str, Size]

    @property
    def learning_type(self) -> LearningType:
        """Follows from the training strategy."""
        return LEARNING_TYPE_OF_STRATEGY[self.training_strategy]

    @property
    def resources(self) -> Resources:
        """What a cluster is asked for."""
        return Resources(**_given(self, "resources"))

    @property
    def takes(self) -> tuple[Role, ...]:
        """Roles of the detectors whose artifacts the stage consumes."""
        return spec_of(self.model).needed(self.training_strategy)

    @property
    def title(self) -> str:
        """The stage in words: `stage 2 (gat student, curriculum, with-kd)`."""
        word = "with-kd" if self.with_kd else "no-kd"
        what = f"{self.model} {self.model_size}, {self.training_strategy}, {word}"
        return f"stage {self.number} ({what})"


@dataclass(slots=True, kw_only=True)
class Built:
    """Outcome of layers 1 and 2.

    Attributes:
        request: None where the stages can't be told.
        problems: Everything found wrong.
        warnings: What the user should be told.
        consistent: Whether all words are right, so that the plan can be told; settings such as
            the number of epochs may be wrong.
        origins: Where each name that was given came from: a flag, a bucket, a file.
    """

    request: PlanRequest | None
    origins: Mapping[str, str] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    consistent: bool = True

    def refuse(self, name: str, problem: ConfigError) -> None:
        """Adds what is wrong with the parameter `name`."""
        self.problems.append(problem)
        self.consistent = self.consistent and name not in _DECISIVE


_DECISIVE: Final = frozenset({"", *STAGE_WORDS, *PLAN_WORDS})
"""Names without which the plan can't be told; "" stands for a rule."""


def build_request(typed: Typed) -> Built:
    """Splits, pads, types and checks what was typed; all problems are collected."""
    merged = merge(typed)
    built = Built(request=None, warnings=merged.warnings, origins=merged.origins)
    for name, problem in merged.problems:
        built.refuse(name, problem)
    text = _with_alias(typed, merged.text, built)
    stages = _stages(text, typed, merged.architecture, built)
    words, settings, problems = parse_plan_words(
        {name: value for name, value in text.items() if not _per_stage(name)}
    )
    for name, problem in problems.items():
        built.refuse(name, problem)
    built.problems += unused_architecture(merged.architecture, text.get("model", ""))
    for name in ("modality", "dataset", "model"):
        if name not in text:
            built.refuse(name, _missing(name))
    known = tuple(stage for stage in stages if stage is not None)
    if not known or len(known) < len(stages) or not {"modality", "dataset"} <= set(words):
        return built
    built.request = PlanRequest(
        modality=cast(Modality, words["modality"]),
        dataset=words["dataset"],
        stages=known,
        expert_paths={s.name: words[s.path_word] for s in experts() if s.path_word in words},
        auto_find_teacher=typed.auto_find_teacher,
        allow_foreign_teacher=typed.allow_foreign_teacher,
        settings=settings,
    )
    if built.consistent:  # a word that can't be read would break rules that it doesn't break
        for problem in problems_of(built.request):
            built.refuse("", problem)
    return built


def _stages(
    text: Mapping[str, str], typed: Typed, architecture: Mapping[str, str], built: Built
) -> list[StageRequest | None]:
    """The typed stages; None where the model can't be told."""
    shared = frozenset(name for name in text if len(_items(text[name])) == 1)
    stages = []
    for number, words in enumerate(_split(text, typed, built), start=1):
        stage, problems = parse_stage(number, words, shared, architecture)
        for name, problem in problems.items():
            if number == 1 or name not in shared:
                built.refuse(name, problem)
        stages.append(stage)
    return stages


def resolve_stages(request: PlanRequest) -> tuple[tuple[Stage, ...], list[str]]:
    """Decides every word that wasn't given; nothing that was given is changed.

    Returns:
        The stages and what the user should be told.
    """
    warnings = []
    any_kd = any(stage.with_kd for stage in request.stages)
    if request.auto_find_teacher and not any_kd:
        warnings.append("--auto-find-teacher has no effect: no stage is with-kd")
    stages: list[Stage] = []
    for asked in request.stages:
        size: ModelSize = asked.model_size or ("student" if any_kd else "teacher")
        if asked.with_kd and asked.model_size == "teacher":
            warnings.append(
                f"--model-size: stage {asked.number} ({asked.model}) distils into a model of "
                "teacher size, as asked for; students are the usual case"
            )
        stages.append(
            Stage(
                number=asked.number,
                model=asked.model,
                model_size=size,
                training_strategy=_strategy(asked, size, stages, request),
                with_kd=asked.with_kd,
                teacher_path=None if asked.teacher_path == "none" else asked.teacher_path,
                settings=asked.settings,
                architecture=asked.architecture,
            )
        )
    return tuple(stages), warnings


def data_config(request: PlanRequest, dataset_digest: str, split_digest: str) -> DataConfig:
    """The windows that all stages of a plan share."""
    given = cast(dict[str, Any], dict(request.settings))
    return DataConfig(dataset_digest=dataset_digest, split_digest=split_digest, **given)


def run_config(
    request: PlanRequest, stage: Stage, data: DataConfig, parents: Mapping[str, Parent]
) -> RunConfig:
    """The configuration of one run: preset, then what was given.

    Args:
        request: The plan.
        stage: The stage.
        data: Its windows.
        parents: Artifacts that it consumes: `teacher`, and experts by the detector's name.
    """
    base = preset(stage.model, stage.model_size, stage.training_strategy)
    distillation = None
    if stage.with_kd:
        distillation = DistillationConfig(
            teacher=parents[TEACHER],
            foreign_teacher=request.allow_foreign_teacher,
            **_given(stage, "distillation"),
        )
    curriculum = base.curriculum
    if curriculum is not None:
        curriculum = replace(curriculum, **_given(stage, "curriculum"))
    return RunConfig(
        modality=request.modality,
        dataset=request.dataset,
        model=stage.model,
        model_size=stage.model_size,
        training_strategy=stage.training_strategy,
        data=data,
        architecture=replace(base.architecture, **cast(dict[str, Any], stage.architecture)),
        training=replace(base.training, **_given(stage, "training")),
        distillation=distillation,
        curriculum=curriculum,
        experts={name: parent for name, parent in parents.items() if name != TEACHER},
        **_given(stage, "run"),
    )


def _given(stage: Stage, section: str) -> dict[str, Any]:
    return {n: v for n, v in stage.settings.items() if SETTINGS[n].section == section}


def _strategy(
    asked: StageRequest, size: str, earlier: Sequence[Stage], request: PlanRequest
) -> TrainingStrategy:
    spec = spec_of(asked.model)
    if asked.training_strategy == ALIAS_STRATEGY:
        return spec.strategies[0]  # the word means: the usual one, with-kd
    if asked.training_strategy is not None:
        return asked.training_strategy
    made = [spec_of(stage.model).role for stage in earlier if stage.model_size == size]
    made += [spec_of(name).role for name in request.expert_paths]
    # What the plan has or is given is used: a GAT beside a VGAE trains by a curriculum.
    fed = [s for s in spec.strategies if spec.needed(s) and set(spec.needed(s)) <= set(made)]
    return fed[0] if fed else spec.strategies[0]


def _with_alias(typed: Typed, text: dict[str, str], built: Built) -> dict[str, str]:
    """`--use-kd` as `--distillation with-kd`, on a single job only."""
    if not typed.use_kd:
        return text
    models = _items(text.get("model", ""))
    if len(models) > 1:
        words = ",".join(_usual_word(model) for model in models)
        built.refuse(
            "distillation",
            ConfigError(
                "--use-kd: only for a single job; a pipeline says which stages distil. "
                f"Use: --distillation {words}"
            ),
        )
    elif text.get("distillation", "with-kd") != "with-kd":
        built.refuse(
            "distillation",
            ConfigError(
                f"--use-kd: contradicts --distillation {text['distillation']}. "
                "Use: --distillation with-kd"
            ),
        )
    else:
        text["distillation"] = "with-kd"
    return text


def _usual_word(model: str) -> str:
    return "no-kd" if model in model_names() and not spec_of(model).distils else "with-kd"


def _split(text: Mapping[str, str], typed: Typed, built: Built) -> list[dict[str, str]]:
    """One column of words per stage."""
    models = _items(text["model"]) if "model" in text else []
    if typed.one_stage and len(models) > 1:
        built.refuse(
            "model",
            ConfigError(
                f"--model: train takes one stage, got {len(models)} ({text['model']}). "
                "Use: can-train pipeline --modality automotive --dataset "
                f"{text.get('dataset', 'hcrl_sa')} --model {text['model']}"
            ),
        )
    columns = [{"model": model} for model in models]
    for name in text:
        if name == "model" or not _per_stage(name) or not models:
            continue
        row = _row(name, _items(text[name]), models, built)
        for column, item in zip(columns, row, strict=False):
            if item is not None:
                column[name] = item
    if "teacher_path" in text and len(_items(text["teacher_path"])) == 1:
        _only_where_distilling(columns)
    return columns


def _only_where_distilling(columns: list[dict[str, str]]) -> None:
    """One teacher path serves the stages that distil; if none does, the rule says so."""
    distils = [
        c.get("distillation", "") == "with-kd" or c.get("training_strategy") == "distillation"
        for c in columns
    ]
    for column, distil in zip(columns, distils, strict=True):
        if any(distils) and not distil:
            del column["teacher_path"]


def _row(name: str, items: list[str], models: Sequence[str], built: Built) -> Sequence[str | None]:
    """The values of one option, one per stage."""
    if len(items) == len(models):
        return items
    if name == "distillation" and len(items) < len(models):
        padded = [*items, *["no-kd"] * (len(models) - len(items))]
        if any(item != "no-kd" for item in items):
            built.warnings.append(
                f"--distillation: {len(items)} of {len(models)} stages given, the others don't "
                f"distil: {','.join(padded)}"
            )
        return padded
    if len(items) == 1:
        return items * len(models)
    built.refuse(name, _mismatch(name, items, models))
    return [None] * len(models)


def _mismatch(name: str, items: Sequence[str], models: Sequence[str]) -> ConfigError:
    shown = []
    for index in range(max(len(items), len(models))):
        model = models[index] if index < len(models) else "no such stage"
        item = items[index] if index < len(items) else "nothing"
        shown.append(f"stage {index + 1} ({model}) = {item}")
    return ConfigError(
        f"{option_of(name)}: {len(items)} values for {len(models)} stages: {', '.join(shown)}. "
        f"Give one value for all stages or {len(models)} values"
    )


def _items(text: str) -> list[str]:
    """Text between commas that aren't inside brackets: `node[1,2],node3` has two items."""
    return [item.strip() for item in re.split(r",(?![^\[\]]*\])", text)]


def _per_stage(name: str) -> bool:
    return name in STAGE_WORDS or (name in SETTINGS and SETTINGS[name].per_stage)


def _missing(name: str) -> ConfigError:
    example = {"modality": "automotive", "dataset": "hcrl_sa", "model": "vgae,gat,dqn"}[name]
    return ConfigError(f"{option_of(name)}: missing. Use for example: {option_of(name)} {example}")
