"""What a removal takes with it, and what others need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from can_train.dataset.manifest import DatasetManifest, DatasetRef
from can_train.errors import PreflightError
from can_train.pipeline.plan import Plan
from can_train.pipeline.record import write_plan
from can_train.pipeline.removal import removal_of_dataset, removal_of_plan, removal_of_run
from can_train.runs.layout import Roots, iter_plans, iter_runs
from can_train.runs.state import owned

MakePlan = Callable[..., Plan]
CHAIN = {"model": "vgae,gat,dqn", "model_size": "student"}


def test_a_run_goes_with_the_plan_that_has_no_other(plan_of: MakePlan, roots: Roots) -> None:
    plan, other = plan_of(model="vgae"), plan_of(model="gat")
    folder = write_plan(plan)
    write_plan(other)
    run = plan.stages[0].frozen.run_dir
    removal = removal_of_run(roots.experiments, run)
    assert (removal.runs, removal.plans) == ((run,), (folder,))
    removal.carry_out()
    assert [run.name for run in iter_runs(roots.experiments)] == [other.stages[0].run_id]
    assert [plan.name for plan in iter_plans(roots.experiments)] == [other.plan_id]


def test_a_stage_of_a_plan_is_refused(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**CHAIN)
    write_plan(plan)
    with pytest.raises(PreflightError, match=f"stage of plan {plan.plan_id}.*can-train rm"):
        removal_of_run(roots.experiments, plan.stages[0].frozen.run_dir)


def test_a_plan_goes_with_its_runs_but_for_those_of_another(
    plan_of: MakePlan, roots: Roots
) -> None:
    chain, alone = plan_of(**CHAIN), plan_of(model="vgae", model_size="student")
    folder = write_plan(chain)
    write_plan(alone)
    shared = alone.stages[0].frozen.run_dir
    assert chain.stages[0].frozen.run_dir == shared
    removal = removal_of_plan(roots.experiments, folder)
    assert removal.kept == (shared,) and len(removal.runs) == 2
    removal.carry_out()
    assert list(iter_runs(roots.experiments)) == [shared]


def test_what_others_were_built_on_is_refused(plan_of: MakePlan, roots: Roots) -> None:
    chain = plan_of(**CHAIN)
    folder = write_plan(chain)
    for path in folder.iterdir():
        path.unlink()  # so that the runs belong to no plan
    folder.rmdir()
    vgae, gat, fusion = (stage.frozen.run_dir for stage in chain.stages)
    with pytest.raises(PreflightError, match=f"run {vgae.name} was built on by ") as told:
        removal_of_run(roots.experiments, vgae)
    assert gat.name in str(told.value) and fusion.name in str(told.value)
    with pytest.raises(PreflightError, match=f"built on by {fusion.name}. Remove that first"):
        removal_of_run(roots.experiments, gat)
    for run in (fusion, gat, vgae):
        removal_of_run(roots.experiments, run).carry_out()


def test_what_somebody_works_on_is_refused(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(model="vgae")
    folder = write_plan(plan)
    with owned(plan.stages[0].frozen.run_dir):
        with pytest.raises(PreflightError, match="works on run .* End it: can-train cancel"):
            removal_of_plan(roots.experiments, folder)


def test_a_dataset_stays_while_runs_were_made_of_it(
    plan_of: MakePlan, roots: Roots, dataset: DatasetManifest
) -> None:
    plan = plan_of(model="vgae")
    folder = write_plan(plan)
    with pytest.raises(PreflightError, match="dataset car: 1 run under"):
        removal_of_dataset(roots.experiments, roots.data, dataset.ref)
    removal_of_plan(roots.experiments, folder).carry_out()
    removal_of_dataset(roots.experiments, roots.data, dataset.ref).carry_out()
    assert not dataset.ref.folder(roots.data).exists()
    other = DatasetRef(modality="automotive", dataset="carry")
    assert removal_of_dataset(roots.experiments, roots.data, other).datasets
