"""How combinations stand, also of a sweep that was killed before its plan was written."""

from __future__ import annotations

from can_train.pipeline.record import write_plan
from can_train.runs.layout import Roots
from can_train.runs.state import RunStatus, write_status
from can_train.sweeps.manifest import write_manifest
from can_train.sweeps.standing import numbers_in, sweep_board
from tests.unit.sweeps.conftest import MakeSweep


def test_a_combination_stands_as_its_runs_do(sweep_of: MakeSweep, roots: Roots) -> None:
    words = {"model": "vgae,gat", "training_strategy": "autoencoder,curriculum"}
    sweep = sweep_of("gat.heads=2,4,8", **words)
    write_manifest(roots.experiments, sweep.manifest)
    assert sweep_board(roots.experiments, sweep.manifest).counts == "3 planned"
    write_plan(sweep.plan)
    vgae, first, second, _ = (planned.frozen.run_dir for planned in sweep.plan.stages)
    write_status(vgae, RunStatus(state="finished"))
    write_status(first, RunStatus(state="finished"))
    write_status(second, RunStatus(state="failed", message="diverged"))
    board = sweep_board(roots.experiments, sweep.manifest)
    assert [item.state for item in board.combinations] == ["finished", "failed", "planned"]
    assert (board.state, board.done, board.counts) == (
        "failed", 1, "1 finished, 1 failed, 1 planned",
    )  # fmt: skip
    assert numbers_in(board, ("failed", "blocked")) == {3}
    assert board.combinations[1].last.reason == "diverged"
