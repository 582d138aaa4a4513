"""Layer 2: from a request to stages with every word decided, and from stages to run configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from can_train.config.fields import SETTINGS
from can_train.config.presets import preset
from can_train.config.requests import PlanRequest, Scalar, Size, StageRequest
from can_train.config.schema import (
    TEACHER,
    DataConfig,
    DistillationConfig,
    Parent,
    Resources,
    RunConfig,
)
from can_train.config.spec import ALIAS_STRATEGY, Role, spec_of
from can_train.vocab import (
    LEARNING_TYPE_OF_STRATEGY,
    NO_KD,
    WITH_KD,
    Distillation,
    LearningType,
    ModelSize,
    TrainingStrategy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedStage:
    """One stage with every word decided, before its parents are known."""

    number: int
    model: str
    model_size: ModelSize
    training_strategy: TrainingStrategy
    distillation: Distillation
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
        what = f"{self.model} {self.model_size}, {self.training_strategy}, {self.distillation}"
        return f"stage {self.number} ({what})"


def resolve_stages(request: PlanRequest) -> tuple[tuple[ResolvedStage, ...], list[str]]:
    """Decides every word that wasn't given; nothing that was given is changed.

    Returns:
        The stages and what the user should be told.
    """
    warnings = []
    words = {stage.distillation for stage in request.stages}
    usual: ModelSize = "student" if WITH_KD in words else "teacher"
    if request.auto_find_teacher and WITH_KD not in words:
        warnings.append(f"--auto-find-teacher has no effect: no stage is {WITH_KD}")
    stages: list[ResolvedStage] = []
    for asked in request.stages:
        size: ModelSize = asked.model_size or usual
        if asked.distillation == WITH_KD and asked.model_size == "teacher":
            warnings.append(
                f"--model-size: stage {asked.number} ({asked.model}) distils into a model of "
                "teacher size, as asked for; students are the usual case"
            )
        stages.append(
            ResolvedStage(
                number=asked.number,
                model=asked.model,
                model_size=size,
                training_strategy=_strategy(asked, size, stages, request),
                distillation=asked.distillation,
                teacher_path=None if asked.teacher_path == "none" else asked.teacher_path,
                settings=asked.settings,
                architecture=asked.architecture,
            )
        )
    return tuple(stages), warnings


def data_config(
    settings: Mapping[str, Scalar], dataset_digest: str, split_digest: str
) -> DataConfig:
    """The windows that all stages of a plan share."""
    given = cast(dict[str, Any], dict(settings))
    return DataConfig(dataset_digest=dataset_digest, split_digest=split_digest, **given)


def run_config(
    request: PlanRequest, stage: ResolvedStage, data: DataConfig, parents: Mapping[str, Parent]
) -> RunConfig:
    """The configuration of one run: preset, then what was given.

    Args:
        request: The plan.
        stage: The stage.
        data: Its windows.
        parents: Artifacts that it consumes: `teacher`, and experts by the detector's name.
    """
    base = preset(stage.model, stage.model_size, stage.training_strategy)
    curriculum, fusion = base.curriculum, base.fusion
    if curriculum is not None:
        curriculum = replace(curriculum, **_given(stage, "curriculum"))
    if fusion is not None:
        fusion = replace(fusion, **_given(stage, "fusion"))
    return RunConfig(
        modality=request.modality,
        dataset=request.dataset,
        model=stage.model,
        model_size=stage.model_size,
        training_strategy=stage.training_strategy,
        data=data,
        architecture=replace(base.architecture, **cast(dict[str, Any], stage.architecture)),
        training=replace(base.training, **_given(stage, "training")),
        distillation=_distillation(request, stage, parents),
        curriculum=curriculum,
        fusion=fusion,
        experts={name: parent for name, parent in parents.items() if name != TEACHER},
        **_given(stage, "run"),
    )


def _distillation(
    request: PlanRequest, stage: ResolvedStage, parents: Mapping[str, Parent]
) -> DistillationConfig | None:
    """The word as what a run is made from: the only place where it turns into settings."""
    if stage.distillation == NO_KD:
        return None
    return DistillationConfig(
        teacher=parents[TEACHER],
        foreign_teacher=request.allow_foreign_teacher,
        **_given(stage, "distillation"),
    )


def _given(stage: ResolvedStage, section: str) -> dict[str, Any]:
    return {n: v for n, v in stage.settings.items() if SETTINGS[n].section == section}


def _strategy(
    asked: StageRequest, size: str, earlier: Sequence[ResolvedStage], request: PlanRequest
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
