"""From typed text to stages: lists, padding, rules, defaults, and the text of every refusal."""

import pytest

from can_train.config.build import build_request
from can_train.config.resolve import resolve_stages
from can_train.config.typed import Typed

BASE = {"modality": "automotive", "dataset": "hcrl_sa"}
KD = "fusion combines models that are already distilled"


def problems(**text: str) -> list[str]:
    return [str(p) for p in build_request(Typed(text={**BASE, **text})).problems]


def stages(use_kd: bool = False, **text: str):
    built = build_request(Typed(text={**BASE, **text}, use_kd=use_kd))
    assert not built.problems
    assert built.request is not None
    resolved, warnings = resolve_stages(built.request)
    return resolved, [*built.warnings, *warnings]


def test_a_short_distillation_list_is_padded_with_one_warning() -> None:
    found, warnings = stages(model="vgae,gat,dqn", distillation="with-kd")
    assert [s.distillation for s in found] == ["with-kd", "no-kd", "no-kd"]
    assert warnings == [
        "--distillation: 1 of 3 stages given, the others don't distil: with-kd,no-kd,no-kd"
    ]


def test_no_kd_alone_pads_without_a_warning() -> None:
    found, warnings = stages(model="vgae,gat,dqn", distillation="no-kd")
    assert [s.distillation for s in found] == ["no-kd"] * 3
    assert warnings == []


def test_fusion_after_distilled_stages_is_the_normal_case() -> None:
    found, warnings = stages(model="vgae,gat,dqn", distillation="with-kd,with-kd,no-kd")
    assert [s.distillation for s in found] == ["with-kd", "with-kd", "no-kd"]
    assert warnings == []


def test_fusion_with_kd_is_refused_with_the_list_that_works() -> None:
    assert problems(model="vgae,gat,dqn", distillation="with-kd,with-kd,with-kd") == [
        f"--distillation: stage 3 (dqn, fusion) can't use with-kd: {KD}. "
        "Use: --distillation with-kd,with-kd,no-kd"
    ]


def test_lists_of_other_lengths_are_shown_by_stage() -> None:
    assert problems(model="vgae,gat", distillation="with-kd,no-kd,no-kd") == [
        "--distillation: 3 values for 2 stages: stage 1 (vgae) = with-kd, stage 2 (gat) = no-kd, "
        "stage 3 (no such stage) = no-kd. Give one value for all stages or 2 values"
    ]
    assert "--epochs: 2 values for 3 stages" in problems(model="vgae,gat,dqn", epochs="1,2")[0]


def test_one_value_serves_all_stages_and_a_list_gives_one_each() -> None:
    found, _ = stages(model="vgae,gat", epochs="7", learning_rate="0.01,0.02")
    assert [dict(s.settings) for s in found] == [
        {"epochs": 7, "learning_rate": 0.01},
        {"epochs": 7, "learning_rate": 0.02},
    ]


def test_a_misspelt_word_gets_the_nearest_one() -> None:
    assert problems(model="vgae,gat", distillation="with-dk,no-kd") == [
        "--distillation: stage 1: with-dk isn't allowed; did you mean with-kd? "
        "Allowed: with-kd, no-kd"
    ]


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(model="gat", epochs="0", learning_rate="-1", modality="automotiv")) == 3
    assert len([str(p) for p in build_request(Typed(text={})).problems]) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"model": "gat", "modality": "robotics"}, "--modality: robotics has no data yet"),
        ({"model": "gat", "dataset": "a/b"}, "--dataset: 'a/b' isn't a name"),
        ({"model": "gat", "split": "random"}, "--split: random isn't a split"),
        (
            {"model": "vgae", "training_strategy": "fusion"},
            "--training-strategy: stage 1 (vgae) can't use fusion. Allowed for vgae: autoencoder",
        ),
        (
            {"model": "gat", "learning_type": "unsupervised"},
            "--learning-type: stage 1 (gat) can't use unsupervised",
        ),
        (
            {"model": "gat", "training_strategy": "distillation", "distillation": "no-kd"},
            "--training-strategy: stage 1 (gat) asks for distillation, --distillation says no-kd",
        ),
        (
            {"model": "gat", "teacher_path": "t.pth"},
            "--teacher-path: stage 1 (gat) has a teacher (t.pth) but doesn't distil",
        ),
        ({"model": "gat", "alpha": "0.5"}, "--alpha: no stage distils"),
        (
            {"model": "vgae", "distillation": "with-kd", "temperature": "8"},
            "--temperature: it belongs to the distillation of a gat, and no gat stage distils",
        ),
        (
            {"model": "gat", "distillation": "with-kd", "latent_weight": "1"},
            "--latent-weight: it belongs to the distillation of a vgae, and no vgae stage distils",
        ),
        (
            {"model": "vgae", "model_args": "percentile=60"},
            "--model-args: percentile: no stage trains by a curriculum",
        ),
        ({"model": "vgae", "vgae_path": "v.pth"}, "--vgae-path: no stage takes a VGAE"),
        ({"model": "gat", "gat_path": "g.pth"}, "--gat-path: no stage takes a GAT"),
    ],
)
def test_each_rule_refuses_with_its_reason(text: dict[str, str], message: str) -> None:
    (found,) = problems(**text)
    assert found.startswith(message)


def test_sizes_default_to_student_where_any_stage_distils() -> None:
    assert [s.model_size for s in stages(model="vgae,gat")[0]] == ["teacher", "teacher"]
    found, _ = stages(model="vgae,gat", distillation="with-kd,no-kd")
    assert [s.model_size for s in found] == ["student", "student"]


def test_an_explicit_teacher_that_distils_is_honoured_with_one_warning() -> None:
    found, warnings = stages(model="gat", model_size="teacher", distillation="with-kd")
    assert found[0].model_size == "teacher"
    assert (
        len(warnings) == 1 and "stage 1 (gat) distils into a model of teacher size" in warnings[0]
    )


def test_strategies_follow_from_the_plan() -> None:
    strategies = [s.training_strategy for s in stages(model="vgae,gat,dqn")[0]]
    assert strategies == ["autoencoder", "curriculum", "fusion"]
    assert stages(model="gat")[0][0].training_strategy == "normal"
    assert stages(model="gat", vgae_path="v.pth")[0][0].training_strategy == "curriculum"
    other_size = stages(model="vgae,gat", model_size="teacher,student")[0]
    assert other_size[1].training_strategy == "normal"


def test_distillation_as_a_strategy_means_normal_with_kd() -> None:
    (stage,), _ = stages(model="gat", training_strategy="distillation")
    assert (stage.training_strategy, stage.distillation) == ("normal", "with-kd")
    assert stage.model_size == "student"


def test_use_kd_is_distillation_on_a_single_job_only() -> None:
    (stage,), _ = stages(use_kd=True, model="gat")
    assert stage.distillation == "with-kd"
    several = build_request(Typed(text={**BASE, "model": "vgae,gat"}, use_kd=True))
    assert "--use-kd: only for a single job" in str(several.problems[0])
    against = {**BASE, "model": "gat", "distillation": "no-kd"}
    refused = build_request(Typed(text=against, use_kd=True))
    assert "--use-kd: contradicts --distillation no-kd" in str(refused.problems[0])


def test_one_teacher_path_serves_the_stages_that_distil() -> None:
    found, _ = stages(model="vgae,gat", distillation="with-kd,no-kd", teacher_path="t.pth")
    assert [s.teacher_path for s in found] == ["t.pth", None]


def test_train_takes_one_stage() -> None:
    built = build_request(Typed(text={**BASE, "model": "vgae,gat"}, one_stage=True))
    assert "--model: train takes one stage, got 2 (vgae,gat)" in str(built.problems[0])


def test_auto_find_teacher_without_distillation_is_told() -> None:
    built = build_request(Typed(text={**BASE, "model": "gat"}, auto_find_teacher=True))
    assert built.request is not None
    assert resolve_stages(built.request)[1] == [
        "--auto-find-teacher has no effect: no stage is with-kd"
    ]
