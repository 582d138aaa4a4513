"""Layer 2: from what was typed to a request; everything that is wrong is collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from can_train.config.columns import Report, is_per_stage, items_of, split_stages, with_alias
from can_train.config.fields import option_of
from can_train.config.requests import (
    PLAN_WORDS,
    STAGE_WORDS,
    PlanRequest,
    StageRequest,
    parse_plan_words,
    parse_stage,
    unused_architecture,
)
from can_train.config.rules import problems_of, unused_training
from can_train.config.spec import experts
from can_train.config.typed import Typed, merge
from can_train.errors import ConfigError
from can_train.vocab import Modality


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
    report = Report(refuse=built.refuse, warn=built.warnings.append)
    text = with_alias(merged.text, report) if typed.use_kd else merged.text
    columns = split_stages(text, report, one_stage=typed.one_stage)
    stages = _stages(text, columns, merged.architecture, built)
    words, settings, problems = parse_plan_words(
        {name: value for name, value in text.items() if not is_per_stage(name)}
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
        for name, warning in unused_training(built.request):
            if built.origins.get(name) != "--smoke":
                built.warnings.append(warning)
    return built


def _stages(
    text: Mapping[str, str],
    columns: Sequence[Mapping[str, str]],
    architecture: Mapping[str, str],
    built: Built,
) -> list[StageRequest | None]:
    """The typed stages; None where the model can't be told."""
    shared = frozenset(name for name in text if len(items_of(text[name])) == 1)
    stages = []
    for number, words in enumerate(columns, start=1):
        stage, problems = parse_stage(number, words, shared, architecture)
        for name, problem in problems.items():
            if number == 1 or name not in shared:
                built.refuse(name, problem)
        stages.append(stage)
    return stages


def _missing(name: str) -> ConfigError:
    example = {"modality": "automotive", "dataset": "hcrl_sa", "model": "vgae,gat,dqn"}[name]
    return ConfigError(f"{option_of(name)}: missing. Use for example: {option_of(name)} {example}")
