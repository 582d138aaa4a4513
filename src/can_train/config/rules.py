"""The P→Q rules of a request: one function per rule, all problems told (stdlib only)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from can_train.config.dataset_name import name_problem
from can_train.config.fields import SETTINGS, option_of
from can_train.config.spec import ALIAS_STRATEGY, experts, spec_of, specs, strategies_on
from can_train.config.split_name import SPLIT_FORMS, is_split_name
from can_train.errors import ConfigError
from can_train.vocab import (
    AGENT_POLICY,
    LEARNING_TYPE_OF_STRATEGY,
    MODALITIES_WITH_DATA,
    NO_KD,
    WITH_KD,
)

if TYPE_CHECKING:
    from can_train.config.requests import PlanRequest, StageRequest

_OF_ALL_POLICIES: Final = ("threads",)
"""Settings of training that every fusion uses."""

Rule = Callable[["PlanRequest"], Iterator[ConfigError]]


def problems_of(request: PlanRequest) -> list[ConfigError]:
    """What every rule has against `request`, in the order of the rules."""
    return [problem for rule in RULES for problem in rule(request)]


def modality_has_data(request: PlanRequest) -> Iterator[ConfigError]:
    """Modality ⇒ one for which data exists."""
    if request.modality not in MODALITIES_WITH_DATA:
        yield ConfigError(
            f"--modality: {request.modality} has no data yet. "
            f"Use: --modality {', '.join(MODALITIES_WITH_DATA)}"
        )


def dataset_is_a_name(request: PlanRequest) -> Iterator[ConfigError]:
    """A dataset is named, not given as a path."""
    problem = name_problem(request.dataset)
    if problem:
        yield ConfigError(
            f"--dataset: {problem}. "
            "Use the name given to: can-train data prepare --modality automotive --dataset NAME"
        )


def split_is_known(request: PlanRequest) -> Iterator[ConfigError]:
    """A split is `time` or leaves something out."""
    split = request.settings.get("split")
    if split is not None and not is_split_name(str(split)):
        yield ConfigError(f"--split: {split} isn't a split. Allowed: {', '.join(SPLIT_FORMS)}")


def strategy_fits_model(request: PlanRequest) -> Iterator[ConfigError]:
    """A model ⇒ one of its strategies (an autoencoder can't be trained by fusion)."""
    for stage in request.stages:
        allowed = spec_of(stage.model).strategies
        if stage.training_strategy is not None and stage.training_strategy not in allowed:
            yield ConfigError(
                f"--training-strategy: stage {stage.number} ({stage.model}) can't use "
                f"{stage.training_strategy}. Allowed for {stage.model}: {', '.join(allowed)}"
            )


def learning_type_fits_model(request: PlanRequest) -> Iterator[ConfigError]:
    """A model ⇒ the learning type of its strategies."""
    for stage in request.stages:
        needed = LEARNING_TYPE_OF_STRATEGY[spec_of(stage.model).strategies[0]]
        if stage.learning_type is not None and stage.learning_type != needed:
            yield ConfigError(
                f"--learning-type: stage {stage.number} ({stage.model}) can't use "
                f"{stage.learning_type}: it follows from the model and its strategy. "
                f"Use: --learning-type {needed}, or leave it out"
            )


def distillation_strategy_distils(request: PlanRequest) -> Iterator[ConfigError]:
    """Strategy distillation ⇒ with-kd."""
    for stage in request.stages:
        if stage.training_strategy == ALIAS_STRATEGY and stage.distillation == NO_KD:
            yield ConfigError(
                f"--training-strategy: stage {stage.number} ({stage.model}) asks for distillation, "
                f"--distillation says no-kd there. Use: "
                f"--distillation {_words(request, {stage.number: WITH_KD})}, "
                "or the strategy normal"
            )


def only_some_distil(request: PlanRequest) -> Iterator[ConfigError]:
    """With-kd ⇒ a model that can learn from a teacher; a fusion can't."""
    unable = {s.number: NO_KD for s in request.stages if not spec_of(s.model).distils}
    for stage in request.stages:
        spec = spec_of(stage.model)
        if not spec.distils and stage.distillation == WITH_KD:
            yield ConfigError(
                f"--distillation: stage {stage.number} ({stage.model}, {spec.strategies[0]}) can't "
                f"use with-kd: {spec.refusal}. Use: --distillation {_words(request, unable)}"
            )


def teacher_path_is_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A teacher ⇒ with-kd."""
    for stage in request.stages:
        if stage.teacher_path not in {None, "none"} and stage.distillation == NO_KD:
            yield ConfigError(
                f"--teacher-path: {_place(stage)} has a teacher ({stage.teacher_path}) but doesn't "
                f"distil. Use: --distillation {_words(request, {stage.number: WITH_KD})}, "
                "or --teacher-path none for that stage"
            )


def distillation_settings_are_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A setting of distillation ⇒ a stage that distils and can use it."""
    distils = {stage.model for stage in request.stages if stage.distillation == WITH_KD}
    for name, setting in SETTINGS.items():
        given = any(name in stage.settings for stage in request.stages)
        if setting.section != "distillation" or not given:
            continue
        owners = [spec.name for spec in experts() if name in spec.distillation_settings]
        if not distils:
            yield ConfigError(
                f"{option_of(name)}: no stage distils, so it would have no effect. "
                "Add --distillation with-kd, or leave it out"
            )
        elif owners and not distils & set(owners):
            model = " or ".join(owners)
            yield ConfigError(
                f"{option_of(name)}: it belongs to the distillation of a {model}, and no {model} "
                "stage distils, so it would have no effect. Leave it out"
            )


def foreign_teacher_is_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A foreign teacher is allowed ⇒ a stage that distils."""
    words = {stage.distillation for stage in request.stages}
    if request.allow_foreign_teacher and WITH_KD not in words:
        yield ConfigError(
            "--allow-foreign-teacher: no stage distils, so it would have no effect. "
            "Add --distillation with-kd, or leave it out"
        )


def curriculum_settings_are_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A setting of the curriculum ⇒ a stage that may have one."""
    for name, setting in SETTINGS.items():
        given = any(name in stage.settings for stage in request.stages)
        if setting.section == "curriculum" and given and not any(map(_may_pace, request.stages)):
            yield ConfigError(
                f"{setting.bucket}: {name}: no stage trains by a curriculum, so it would have no "
                "effect. Add --training-strategy curriculum, or leave it out"
            )


def fusion_settings_are_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A setting of the fusion ⇒ a stage that fuses."""
    fuses = any("fusion" in _possible(stage) for stage in request.stages)
    for name, setting in SETTINGS.items():
        given = any(name in stage.settings for stage in request.stages)
        if setting.section == "fusion" and given and not fuses:
            model = " or ".join(s.name for s in specs().values() if "fusion" in s.strategies)
            yield ConfigError(
                f"{option_of(name)}: no stage fuses, so it would have no effect. "
                f"Add a {model} stage, or leave it out"
            )


def agent_sizes_are_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A size of the fusion agent ⇒ the policy that has one."""
    for stage in request.stages:
        policy = stage.settings.get("fusion_policy", SETTINGS["fusion_policy"].default)
        if "fusion" in _possible(stage) and stage.architecture and policy != AGENT_POLICY:
            sizes = ", ".join(stage.architecture)
            yield ConfigError(
                f"--model-args: {sizes}: sizes of the agent, and {_place(stage)} has "
                f"--fusion-policy {policy}, so they would have no effect. Add --fusion-policy "
                f"{AGENT_POLICY}, or leave them out"
            )


def expert_paths_are_used(request: PlanRequest) -> Iterator[ConfigError]:
    """A path of an expert ⇒ a stage that takes one of its role."""
    for name, path in request.expert_paths.items():
        spec = spec_of(name)
        takers = {
            strategy
            for stage in request.stages
            for strategy in _possible(stage)
            if spec.role in spec_of(stage.model).needed(strategy)
        }
        if not takers:
            known = " and ".join(strategies_on(spec))
            yield ConfigError(
                f"{option_of(spec.path_word)}: no stage takes a {name.upper()}, so {path} would "
                f"have no effect. Only {known} stages take one; leave it out"
            )


def unused_training(request: PlanRequest) -> Iterator[tuple[str, str]]:
    """Settings of training that a fusion doesn't use, each with a warning.

    A value that another stage has, too, is meant for that one.
    """
    for stage in request.stages:
        policy = stage.settings.get("fusion_policy", SETTINGS["fusion_policy"].default)
        if "fusion" not in _possible(stage):
            continue
        for name, value in stage.settings.items():
            others = (s.settings.get(name) for s in request.stages if s is not stage)
            if value in others:
                continue
            what = f"{option_of(name)}: no effect on {_place(stage)}"
            if name == "precision" and value == "bfloat16":
                yield name, f"{what}: a fusion is always computed in float32"
            elif (
                policy != AGENT_POLICY
                and name not in _OF_ALL_POLICIES
                and SETTINGS[name].section == "training"
            ):
                why = f"--fusion-policy {policy} is solved at once"
                yield name, f"{what}: {why}; only {AGENT_POLICY} learns over epochs"


RULES: Final[tuple[Rule, ...]] = (
    modality_has_data,
    dataset_is_a_name,
    split_is_known,
    strategy_fits_model,
    learning_type_fits_model,
    distillation_strategy_distils,
    only_some_distil,
    teacher_path_is_used,
    distillation_settings_are_used,
    foreign_teacher_is_used,
    curriculum_settings_are_used,
    fusion_settings_are_used,
    agent_sizes_are_used,
    expert_paths_are_used,
)


def _words(request: PlanRequest, changed: Mapping[int, str]) -> str:
    """The distillation list of the request with some stages changed."""
    return ",".join(changed.get(stage.number, stage.distillation) for stage in request.stages)


def _place(stage: StageRequest) -> str:
    return f"stage {stage.number} ({stage.model})"


def _possible(stage: StageRequest) -> tuple[str, ...]:
    """Strategies that the stage may come to be trained by."""
    if stage.training_strategy is None:
        return spec_of(stage.model).strategies
    return (stage.training_strategy,)


def _may_pace(stage: StageRequest) -> bool:
    """Whether the stage trains by a curriculum, or will if the plan has what that needs."""
    return "curriculum" in _possible(stage)
