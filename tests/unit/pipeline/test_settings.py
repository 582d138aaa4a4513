"""Every parameter of the schema that can be set reaches the frozen config as given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, get_args, get_origin

import pytest

from can_train.config.codec import unwrap
from can_train.config.fields import ARCHITECTURE_SETTINGS, SETTINGS, Setting, bucket_keys
from can_train.config.frozen import encode_run_config, load_frozen
from can_train.config.schema import Param, Resources
from can_train.pipeline.plan import Plan, jobs_of
from can_train.pipeline.record import write_plan

MakePlan = Callable[..., Plan]

RESOURCES = {"walltime": "02:00:00", "memory": "16G"}
WORDS = {"split": "leave-vehicle-out:kia"}


def other_value(setting: Setting, present: object) -> object:
    """A value that the schema allows and that isn't the present one."""
    base, param = unwrap(setting.annotation)
    kind: Any = base
    if get_origin(kind) is tuple:
        return (32, 16)
    if get_args(kind):
        return next(word for word in get_args(kind) if word != present)
    if kind is bool:
        return not present
    if kind is str:
        return RESOURCES.get(setting.name) or WORDS.get(setting.name, "something")
    bounds = param or Param(help="")
    low = bounds.ge if bounds.gt is None else bounds.gt
    steps = (3, 7, 51, 150) if kind is int else (0.25, 0.5, 2.5)
    high = bounds.le if bounds.lt is None else bounds.lt
    fits = (v for v in steps if v != present and (low is None or v > low))
    return next(v for v in fits if high is None or v < high)


def text_of(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def stages_for(setting: Setting, model: str) -> dict[str, str]:
    """Words of a plan whose last stage can use the setting."""
    if setting.section == "distillation":
        kind = "vgae" if setting.name in {"latent_weight", "reconstruction_weight"} else "gat"
        return {"model": f"{kind},{kind}", "model_size": "teacher,student",
                "distillation": "no-kd,with-kd"}  # fmt: skip
    if model == "dqn":
        return {"model": "vgae,gat,dqn", "fusion_policy": "dqn"}  # sizes are those of the agent
    if setting.name == "fusion_policy":
        return {"model": "vgae,gat,dqn"}
    return {"model": "vgae,gat"} if model == "gat" else {"model": model}


def frozen_section(plan: Plan, section: str) -> dict[str, Any]:
    write_plan(plan)
    config = encode_run_config(load_frozen(jobs_of(plan)[-1].frozen).config)
    found = config if section == "run" else config[section]
    assert isinstance(found, dict)
    return found


CASES = [("gat", name, setting) for name, setting in SETTINGS.items()]
CASES += [(m, name, s) for m, known in ARCHITECTURE_SETTINGS.items() for name, s in known.items()]


@pytest.mark.parametrize(("model", "name", "setting"), CASES, ids=[f"{m}-{n}" for m, n, _ in CASES])
def test_every_setting_reaches_the_frozen_config(
    plan_of: MakePlan, model: str, name: str, setting: Setting
) -> None:
    words = stages_for(setting, model)
    if setting.section == "resources":
        value = other_value(setting, None)
        plan = plan_of(**words, **{name: text_of(value)})
        expected = asdict(Resources(**{name: value}))  # type: ignore[arg-type]
        assert [asdict(s.stage.resources) for s in plan.stages] == [expected] * len(plan.stages)
        return
    before = frozen_section(plan_of(**words), setting.section).get(name, setting.default)
    value = other_value(setting, tuple(before) if isinstance(before, list) else before)
    key = f"{model}.{name}" if setting.section == "architecture" else name
    flag = {name: text_of(value)} if setting.has_option else {}
    plan = plan_of(**words, **(flag or {"model_args": f"{key}={text_of(value)}"}))
    found = frozen_section(plan, setting.section).get(name, setting.default)
    assert found == (list(value) if isinstance(value, tuple) else value) != before


@pytest.mark.parametrize("name", [n for n, s in SETTINGS.items() if s.has_option])
def test_buckets_take_what_flags_take(plan_of: MakePlan, name: str) -> None:
    setting = SETTINGS[name]
    words = stages_for(setting, "gat")
    text = text_of(other_value(setting, setting.default))
    bucket = setting.bucket.removeprefix("--").replace("-", "_")
    by_flag = plan_of(**words, **{name: text})
    by_bucket = plan_of(**words, **{bucket: f"{name}={text}"})
    assert by_bucket.plan_id == by_flag.plan_id
    assert [s.stage.resources for s in by_bucket.stages] == [
        s.stage.resources for s in by_flag.stages
    ]


def test_buckets_know_every_setting_of_the_schema() -> None:
    keys = {*bucket_keys("--model-args"), *bucket_keys("--slurm-args")}
    assert set(SETTINGS) <= keys
    assert {f"{m}.{name}" for m, known in ARCHITECTURE_SETTINGS.items() for name in known} <= keys
