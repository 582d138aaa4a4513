"""Pages of sweeps and plans from what lies on disk, finished or not."""

from __future__ import annotations

import pytest

from can_train.pipeline.record import write_plan
from can_train.report.document import Page, PageTable, SideBySide
from can_train.report.page import html_of
from can_train.report.plan_page import plan_page
from can_train.report.sweep_page import sweep_page
from can_train.runs.layout import plan_dir, sweep_dir
from can_train.sweeps.make import Sweep
from tests.unit.comparison.runs_for_tests import FIRST
from tests.unit.pipeline.conftest import Finish, MakePlan
from tests.unit.sweeps.conftest import MakeSweep
from tests.unit.sweeps.test_results import half_done


def tables_of(page: Page) -> dict[str, PageTable]:
    blocks = [block for section in page.sections for block in section.blocks]
    return {block.name: block for block in blocks if isinstance(block, PageTable)}


@pytest.fixture
def sweep(sweep_of: MakeSweep) -> Sweep:
    return sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)


def page_of(sweep: Sweep) -> Page:
    return sweep_page(sweep_dir(sweep.plan.roots.experiments, sweep.manifest.sweep_id))


def test_a_sweep_shows_its_axis_with_the_means_over_seeds(sweep: Sweep, finish: Finish) -> None:
    half_done(sweep, finish)
    page = page_of(sweep)
    drawing = page.drawings()["axis-learning_rate-gat-teacher-on-car"]
    assert drawing.description == "Mean val_loss over all else: 0.4 at 0.001, 0.3 at 0.003."
    assert dict(page.lead)["What did best"] == (
        "gat teacher on car: learning rate 0.003, val_loss 0.3."
    )
    assert (
        "intervals of 1 of 1 other combination of gat teacher on car overlap"
        in (dict(page.lead)["What to distrust"])
    )
    best = [line for line in tables_of(page)["results"].lines if line.tone == "own"]
    assert [line.cells[0].text for line in best] == ["0.003"]
    assert drawing.title in html_of(page)


def test_a_sweep_that_has_not_finished_says_so(sweep: Sweep, finish: Finish) -> None:
    half_done(sweep, finish, left=3)
    page = page_of(sweep)
    assert "3 of 4 runs lack a figure" in dict(page.lead)["What to distrust"]
    assert "Nobody knows yet" in dict(page.lead)["What did best"]
    assert not page.drawings()
    assert "<table" in html_of(page)


def test_a_plan_puts_its_stages_side_by_side(sweep: Sweep, finish: Finish) -> None:
    half_done(sweep, finish, left=1)
    page = plan_page(plan_dir(sweep.plan.roots.experiments, sweep.plan.plan_id))
    table = tables_of(page)["stages"]
    titles = [heading.title for heading in table.headings]
    states = [line.cells[1].note for line in table.lines]
    assert states == ["finished"] * 3 + ["planned"]
    first = [line.cells[titles.index("test_01")].value for line in table.lines]
    assert first == [0.5, 0.3, 0.2, None]
    told = page.drawings()["stages-roc_auc"].description
    assert told.startswith("1 GAT teacher test_01 0.5000")
    assert dict(page.lead)["How good it is"] == "Its last stage hasn't finished."
    assert "stages-roc_auc" in html_of(page)
    assert FIRST.startswith("test_01")


def test_a_plan_that_has_not_begun_has_a_page(plan_of: MakePlan) -> None:
    plan = plan_of(model="vgae,gat", model_size="teacher,teacher")
    write_plan(plan)
    page = plan_page(plan_dir(plan.roots.experiments, plan.plan_id))
    assert [line.cells[1].note for line in tables_of(page)["stages"].lines] == ["planned"] * 2
    assert not [s for s in page.sections if any(isinstance(b, SideBySide) for b in s.blocks)]
    assert "VGAE teacher → GAT teacher" in dict(page.lead)["What was trained"]
