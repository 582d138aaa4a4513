"""A plan as a table: ids whole at each width, and nothing said twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from can_train.pipeline.plan import Plan
from can_train.pipeline.plan_table import COLUMNS, heading, plan_rows, remarks
from can_train.runs.layout import Roots
from can_train.tables import table_lines

MakePlan = Callable[..., Plan]
WORDS = {"model": "vgae,gat,vgae", "model_size": "teacher,teacher,student",
         "distillation": "no-kd,no-kd,with-kd", "epochs": "10,6,20"}  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 120, 200, None])
def test_ids_are_whole_and_the_table_fits(plan_of: MakePlan, width: int | None) -> None:
    plan = plan_of(**WORDS)
    lines = [text for text, _ in table_lines(COLUMNS, list(plan_rows(plan)), width)]
    assert width is None or max(map(len, lines)) <= width
    rows = [line.split() for line in lines if line.split()[0] in {"1", "2", "3"}]
    assert [row[:5] for row in rows] == [
        [str(s.stage.number), s.run_id, "new", s.config.model, s.config.model_size]
        for s in plan.stages
    ]
    assert "unknown" in rows[0]


def test_what_all_stages_share_is_said_once(plan_of: MakePlan, roots: Roots) -> None:
    plan = plan_of(**WORDS, learning_rate="0.001,0.002,0.001", memory="2G")
    assert heading(plan) == f"plan {plan.plan_id}: 3 stages, runs under {roots.experiments}"
    shared, time = remarks(plan)
    assert shared.startswith("all stages: seed 0, relational graphs, window 100, stride 100")
    assert "memory 2G" in shared and "learning rate" not in shared
    assert time == "where the time is unknown, nothing like it has finished on this machine yet"
    notes = [row.notes for row in plan_rows(plan)]
    assert notes[:2] == [("learning rate 0.001",), ("learning rate 0.002",)]
    assert "temperature" in notes[2][0] and "alpha" in notes[2][0]


def test_batches_that_were_asked_for_are_told(plan_of: MakePlan) -> None:
    plan = plan_of(**WORDS, batch_size="auto,32,32", batch_edges="900")
    assert "batch edges 900" in next(remarks(plan))
    told = [note.split(", ")[0] for row in plan_rows(plan) for note in row.notes]
    assert told == ["batch size auto", "batch size 32", "batch size 32"]


def test_a_plan_of_one_stage(plan_of: MakePlan) -> None:
    plan = plan_of(model="vgae")
    assert ": 1 stage, runs" in heading(plan)
    assert next(remarks(plan)).startswith("seed 0, ")
    (row,) = plan_rows(plan)
    assert row.notes == ()
