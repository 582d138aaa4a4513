"""Plans become one, in which edges still point to the runs that they meant."""

from __future__ import annotations

from can_train.sweeps.union import union
from tests.unit.pipeline.conftest import MakePlan
from tests.unit.pipeline.conftest import plan_of as plan_of


def test_edges_and_warnings_are_kept(plan_of: MakePlan) -> None:
    words = {"model": "gat,vgae,gat", "training_strategy": "normal,autoencoder,curriculum"}
    one = plan_of(**words, seed="1,0,0")
    two = plan_of(**words, seed="2,0,0")
    whole = union([one, two, one], one.roots)
    assert [(s.stage.number, s.stage.model, s.depends_on) for s in whole.stages] == [
        (1, "gat", ()), (2, "vgae", ()), (3, "gat", (2,)), (4, "gat", ()),
    ]  # fmt: skip
    for planned in whole.stages:
        for item in planned.inputs:
            made_by = whole.stages[(item.from_stage or 0) - 1]
            assert item.parent.run_id == made_by.run_id
    assert union([one], one.roots).plan_id == one.plan_id
    assert whole.plan_id not in {one.plan_id, two.plan_id}
