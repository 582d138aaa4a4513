"""Plans on disk: read back as they were written, and refused where they are damaged."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from can_train.errors import ArtifactError
from can_train.pipeline.plan import Plan, jobs_of
from can_train.pipeline.record import write_plan
from can_train.pipeline.stored import all_stages, listed_plans, load_plan, stages_of
from can_train.runs.find import RUN_OR_PLAN, find
from can_train.runs.layout import Roots

MakePlan = Callable[..., Plan]
CHAIN = {"model": "vgae,gat,dqn", "model_size": "student"}


def test_a_plan_is_read_back_as_it_was_written(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**CHAIN)
    stored = load_plan(roots.experiments, write_plan(plan))
    assert stored.plan_id == plan.plan_id
    told = [(j.number, j.name, j.title, j.run_dir, j.frozen, j.depends_on) for j in jobs_of(plan)]
    jobs = [stage.job for stage in stored.stages]
    assert [(j.number, j.name, j.title, j.run_dir, j.frozen, j.depends_on) for j in jobs] == told
    assert [stage.job.number for stage in stored.terminal] == [3]
    assert {stage.distillation for stage in stored.stages} == {"no-kd"}


def test_a_name_means_the_stages_of_a_plan_or_one_run(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**CHAIN)
    write_plan(plan)
    whole = stages_of(roots.experiments, find(roots.experiments, plan.plan_id, RUN_OR_PLAN))
    assert [stage.job.run_dir.name for stage in whole] == [s.run_id for s in plan.stages]
    second = plan.stages[1]
    (alone,) = stages_of(roots.experiments, find(roots.experiments, second.run_id, RUN_OR_PLAN))
    assert alone.job.title == f"run {second.run_id} (gat student, curriculum, no-kd)"
    assert (alone.job.run_dir, alone.dataset) == (second.frozen.run_dir, "car")
    assert len(all_stages(roots.experiments, listed_plans(roots.experiments))) == 3


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ({"stages": None}, "stages: expected a list"),
        ({"stages": [3]}, "stages.1: expected an object"),
        ({"stages": [{"number": 1}]}, "stages.1.dataset: missing key"),
    ],
)
def test_a_damaged_plan_is_named(
    plan_of: MakePlan, roots: Roots, damage: dict[str, object], told: str
) -> None:
    folder = write_plan(plan_of(model="vgae"))
    (folder / "plan.json").write_text(json.dumps(damage))
    with pytest.raises(ArtifactError, match=f"plan.json: not a plan of this version .{told}"):
        load_plan(roots.experiments, folder)


def test_a_changed_plan_and_one_of_another_plan_are_named(plan_of: MakePlan, roots: Roots) -> None:
    folder = write_plan(plan_of(model="vgae"))
    other = write_plan(plan_of(model="vgae", seed="5"))
    text = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(text.replace('"epochs": ', '"epochs": 1'))
    with pytest.raises(ArtifactError, match=r"plan.json: changed since it was written"):
        load_plan(roots.experiments, folder)
    shutil.copy(other / "plan.json", folder / "plan.json")
    with pytest.raises(ArtifactError, match=rf"plan.json: of plan {other.name}\."):
        load_plan(roots.experiments, folder)


def test_a_number_that_is_none_is_told_where_it_stands(plan_of: MakePlan, roots: Roots) -> None:
    folder: Path = write_plan(plan_of(**CHAIN))
    document = json.loads((folder / "plan.json").read_text())
    document["stages"][1]["inputs"][0]["from_stage"] = "one"
    del document["sha256"]  # a plan of before has none
    (folder / "plan.json").write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=r"stages\.2\.inputs\.from_stage: 'one'"):
        load_plan(roots.experiments, folder)


def test_a_damaged_plan_among_others_keeps_none_of_them_back(
    plan_of: MakePlan, roots: Roots
) -> None:
    damaged, whole = (write_plan(plan_of(model=model)) for model in ("vgae", "gat"))
    (damaged / "plan.json").write_text("{")
    listed = {plan.folder: plan for plan in listed_plans(roots.experiments)}
    assert "plan.json: not JSON" in listed[damaged].problem
    assert [stage.job.name for stage in listed[whole].stages] == ["gat"]
    models = {stage.job.name for stage in all_stages(roots.experiments, tuple(listed.values()))}
    assert models == {"vgae", "gat"}
