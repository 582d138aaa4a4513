"""Every combination of the vocabulary: accepted, or refused for the reasons that are expected.

What is expected is written here a second time, as sets of words; each rule is then switched off
in turn, and the table must notice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest

from can_train.config import rules
from can_train.config.build import build_request
from can_train.config.rules import RULES, Rule
from can_train.config.typed import Typed
from can_train.vocab import (
    DISTILLATIONS,
    LEARNING_TYPES,
    MODALITIES,
    MODEL_SIZES,
    TRAINING_STRATEGIES,
)

Row = dict[str, str]

AXES: Mapping[str, tuple[str, ...]] = {
    "modality": MODALITIES,
    "model": ("vgae", "gat", "dqn"),
    "model_size": ("", *MODEL_SIZES),
    "training_strategy": ("", *TRAINING_STRATEGIES),
    "learning_type": ("", *LEARNING_TYPES),
    "distillation": ("", *DISTILLATIONS),
    "teacher_path": ("", "none", "t.pth"),
}
RIGHT_STRATEGY = {
    ("vgae", "autoencoder"),
    ("gat", "normal"),
    ("gat", "curriculum"),
    ("gat", "distillation"),
    ("dqn", "fusion"),
}
RIGHT_LEARNING = {("vgae", "unsupervised"), ("gat", "supervised"), ("dqn", "rl_fusion")}


def rows() -> Iterator[Row]:
    for values in itertools.product(*AXES.values()):
        yield {name: v for name, v in zip(AXES, values, strict=True) if v}


def expected(row: Row) -> set[str]:
    """Options that a refusal of `row` must name; empty: it is accepted."""
    model, strategy = row["model"], row.get("training_strategy")
    word = row.get("distillation")
    distils = word == "with-kd" or (word is None and strategy == "distillation")
    wrong = set()
    if row["modality"] != "automotive":
        wrong.add("--modality")
    if strategy and (model, strategy) not in RIGHT_STRATEGY:
        wrong.add("--training-strategy")
    if row.get("learning_type") and (model, row["learning_type"]) not in RIGHT_LEARNING:
        wrong.add("--learning-type")
    if strategy == "distillation" and word == "no-kd":
        wrong.add("--training-strategy")
    if model == "dqn" and distils:
        wrong.add("--distillation")
    if row.get("teacher_path") == "t.pth" and not distils:
        wrong.add("--teacher-path")
    return wrong


def refused(row: Row) -> set[str]:
    typed = Typed(text={"dataset": "hcrl_sa", **row}, one_stage=True)
    return {str(problem).partition(":")[0] for problem in build_request(typed).problems}


def test_every_combination_is_accepted_or_refused_for_its_reasons() -> None:
    table = list(rows())
    assert len(table) == 5832
    wrong = [(row, refused(row), expected(row)) for row in table if refused(row) != expected(row)]
    assert not wrong
    assert 0 < sum(not expected(row) for row in table) < len(table)


# One request per rule that only this rule refuses.
ONLY: Mapping[str, tuple[Row, dict[str, bool]]] = {
    "modality_has_data": ({"model": "gat", "modality": "robotics"}, {}),
    "dataset_is_a_name": ({"model": "gat", "dataset": "a/b"}, {}),
    "split_is_known": ({"model": "gat", "split": "random"}, {}),
    "strategy_fits_model": ({"model": "vgae", "training_strategy": "normal"}, {}),
    "learning_type_fits_model": ({"model": "gat", "learning_type": "rl_fusion"}, {}),
    "distillation_strategy_distils": (
        {"model": "gat", "training_strategy": "distillation", "distillation": "no-kd"},
        {},
    ),
    "only_some_distil": ({"model": "dqn", "distillation": "with-kd"}, {}),
    "teacher_path_is_used": ({"model": "gat", "teacher_path": "t.pth"}, {}),
    "distillation_settings_are_used": ({"model": "gat", "alpha": "0.5"}, {}),
    "foreign_teacher_is_used": ({"model": "gat"}, {"allow_foreign_teacher": True}),
    "curriculum_settings_are_used": ({"model": "vgae", "model_args": "percentile=60"}, {}),
    "fusion_settings_are_used": ({"model": "vgae,gat", "fusion_policy": "mean"}, {}),
    "agent_sizes_are_used": ({"model": "vgae,gat,dqn", "model_args": "dqn.hidden_layers=1"}, {}),
    "expert_paths_are_used": ({"model": "vgae", "vgae_path": "v.pth"}, {}),
}


def test_every_rule_has_its_row() -> None:
    assert [rule.__name__ for rule in RULES] == list(ONLY)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_without_a_rule_its_row_would_be_accepted(
    rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, switches = ONLY[rule.__name__]
    typed = Typed(text={"modality": "automotive", "dataset": "car", **words}, **switches)  # type: ignore[arg-type]
    assert len(build_request(typed).problems) == 1
    monkeypatch.setattr(rules, "RULES", tuple(other for other in RULES if other is not rule))
    assert not build_request(typed).problems


def warned(**words: str) -> list[str]:
    text = {"modality": "automotive", "dataset": "car", "model": "vgae,gat,dqn", **words}
    smoke = text.pop("smoke", None) is not None
    return build_request(Typed(text=text, smoke=smoke)).warnings


def test_settings_of_training_that_a_fusion_without_an_agent_does_not_use_are_told() -> None:
    told = (
        "--epochs: no effect on stage 3 (dqn): --fusion-policy maximum is solved at once; only "
        "dqn learns over epochs"
    )
    assert warned(epochs="5,5,200") == [told]
    assert warned(model="dqn", epochs="9", threads="1", seed="3") == [told.replace("3 (", "1 (")]
    assert warned(epochs="5") == []  # meant for the others
    assert warned(epochs="5,5,200", fusion_policy="dqn") == []
    assert warned(model="dqn", smoke="") == []


def test_a_fusion_is_not_rounded_and_says_so() -> None:
    told = "--precision: no effect on stage 1 (dqn): a fusion is always computed in float32"
    assert warned(model="dqn", fusion_policy="dqn", precision="bfloat16") == [told]
    assert warned(model="dqn", precision="bfloat16") == [told]
    assert warned(precision="bfloat16") == []  # meant for the others
    assert warned(model="dqn", fusion_policy="dqn", precision="float32") == []
