"""The cases of the specification, in both spellings of its flags, read off the frozen configs."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from can_train.cli.main import build_parser
from can_train.cli.options import typed_from
from can_train.config.frozen import load_frozen
from can_train.errors import CanTrainError, exit_code_of
from can_train.pipeline.plan import Plan, jobs_of, make_plan
from can_train.pipeline.record import write_plan
from can_train.runs.layout import Roots

MakePlan = Callable[..., Plan]
BASE = "pipeline --modality automotive --dataset car --auto-find-teacher"
SPELLINGS = ("--model", "--training-strategyl")
STRATEGIES = "--training-strategy autoencoder,curriculum,fusion"


@pytest.fixture
def with_teachers(plan_of: MakePlan, finish: Callable[..., Path]) -> None:
    for stage in plan_of(model="vgae,gat", model_size="teacher").stages:
        finish(stage)


def planned(roots: Roots, line: str) -> Plan:
    args = build_parser().parse_args(shlex.split(f"{BASE} {line}"))
    return make_plan(typed_from(args, one_stage=False), roots)


def distils(plan: Plan) -> list[bool]:
    write_plan(plan)
    return [load_frozen(job.frozen).config.distillation is not None for job in jobs_of(plan)]


@pytest.mark.usefixtures("with_teachers")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("strategies", ["", STRATEGIES])
def test_the_cases_of_the_specification(roots: Roots, spelling: str, strategies: str) -> None:
    size = "--training-strategyl-size" if spelling == SPELLINGS[1] else "--model-size"
    two = f"{spelling} vgae,gat {size} student --distillation with-kd,no-kd"
    two += " --training-strategy autoencoder,curriculum" if strategies else ""
    plan = planned(roots, two)
    assert distils(plan) == [True, False] and plan.warnings == ()
    three = f"{spelling} vgae,gat,dqn {strategies} --distillation"
    plan = planned(roots, f"{three} with-kd,with-kd,no-kd")
    assert distils(plan) == [True, True, False] and plan.warnings == ()
    plan = planned(roots, f"{three} with-kd")
    assert distils(plan) == [True, False, False]
    (warning,) = plan.warnings
    assert warning.endswith("with-kd,no-kd,no-kd")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "--model vgae,gat,dqn --distillation with-kd,with-kd,with-kd",
            ("stage 3 (dqn, fusion)", "--distillation with-kd,with-kd,no-kd"),
        ),
        (
            "--model vgae,gat,dqn --distillation with-kd,with-kd,no-kd,no-kd",
            ("4 values for 3 stages", "stage 3 (dqn) = no-kd", "stage 4 (no such stage) = no-kd"),
        ),
        ("--model vgae,gat --distillation with-dk", ("did you mean with-kd?",)),
    ],
)
def test_what_the_specification_refuses(
    roots: Roots, dataset: object, line: str, told: tuple[str, ...]
) -> None:
    with pytest.raises(CanTrainError) as caught:
        planned(roots, line)
    assert exit_code_of(caught.value) == 2
    assert all(part in str(caught.value) for part in told)


@pytest.mark.usefixtures("with_teachers")
def test_values_are_frozen_as_given(roots: Roots) -> None:
    plan = planned(
        roots,
        "--model gat --distillation with-kd --epochs 50 --learning-rate 0.003 --temperature 8",
    )
    write_plan(plan)
    config = load_frozen(jobs_of(plan)[0].frozen).config
    assert config.distillation is not None
    assert (config.training.epochs, config.training.learning_rate) == (50, 0.003)
    assert config.distillation.temperature == 8.0
