"""Groups over seeds, and a choice by validation alone."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from can_train.pipeline.record import write_plan
from can_train.sweeps.make import Sweep
from can_train.sweeps.manifest import write_manifest
from can_train.sweeps.report import records_of
from can_train.sweeps.results import best_of, groups_of, results_of
from can_train.sweeps.standing import SweepBoard, sweep_board
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import MakeSweep

RATES = {0.001: (0.5, 0.3), 0.003: (0.2, 0.4)}
"""Validation losses by learning rate, of two seeds: the second rate is better on average."""


def half_done(sweep: Sweep, finish: Finish, *, left: int = 0) -> SweepBoard:
    """The sweep with its runs finished, but for the last `left` ones; worse ones test better."""
    root = sweep.plan.roots.experiments
    write_manifest(root, sweep.manifest)
    write_plan(sweep.plan)
    stages = sweep.plan.stages
    for planned in stages[: len(stages) - left]:
        config = planned.config
        loss = RATES[config.training.learning_rate][config.seed]
        finish(planned, loss)
        model = {config.model: (planned.run_id, {FIRST: loss, SECOND: 0.5})}
        Made(root).evaluation(planned.frozen.run_dir, model)
    return sweep_board(root, sweep.manifest)


def test_the_best_is_chosen_by_validation_over_seeds_and_never_by_tests(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    results = results_of(half_done(sweep, finish))
    groups = groups_of(results)
    assert [(dict(g.params), len(g.results)) for g in groups] == [
        ({"learning_rate": 0.001}, 2), ({"learning_rate": 0.003}, 2),
    ]  # fmt: skip
    (best,) = best_of(groups)
    assert best is groups[1] and best.metric == "val_loss"
    means = [group.validation for group in groups]
    assert [round(m.mean, 6) for m in means if m is not None] == [0.4, 0.3]
    tests = [group.test("roc_auc") for group in groups]
    assert [round(t.mean, 6) for t in tests if t is not None] == [0.45, 0.4]
    assert results[0].figures[FIRST]["roc_auc"] == 0.5


def test_a_group_that_lacks_a_seed_is_not_chosen(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    groups = groups_of(results_of(half_done(sweep, finish, left=1)))
    assert [group.is_complete for group in groups] == [True, False]
    assert best_of(groups) == (groups[0],)
    assert [result.state for result in groups[1].results] == ["finished", "planned"]


def test_one_that_diverged_is_never_the_best(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", model="gat", one_stage=True)
    root = sweep.plan.roots.experiments
    for value, planned in zip((math.nan, 0.9), sweep.plan.stages, strict=True):
        finish(planned, value)
    groups = groups_of(results_of(sweep_board(root, sweep.manifest)))
    assert best_of(groups) == (groups[1],)
    assert [record["validation_value"] for record in records_of(
        sweep.manifest, [group.first for group in groups])] == [None, 0.9]  # fmt: skip


def test_a_run_that_combinations_share_has_one_row_with_what_they_share(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    words = {"model": "vgae,gat", "training_strategy": "autoencoder,curriculum"}
    sweep = sweep_of("gat.heads=2,4", "learning_rate=0.003,0.001", **words)
    found = results_of(half_done(sweep, finish), every_stage=True)
    assert [(result.model, dict(result.params)) for result in found] == [
        ("vgae teacher", {"learning_rate": 0.003}),
        ("gat teacher", {"gat.heads": 2, "learning_rate": 0.003}),
        ("vgae teacher", {"learning_rate": 0.001}),
        ("gat teacher", {"gat.heads": 2, "learning_rate": 0.001}),
        ("gat teacher", {"gat.heads": 4, "learning_rate": 0.003}),
        ("gat teacher", {"gat.heads": 4, "learning_rate": 0.001}),
    ]
    assert len(found[0].config_ids) == 2


def test_datasets_and_models_have_a_best_each(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("model=gat,vgae", "learning_rate=0.001,0.003", one_stage=True)
    best = best_of(groups_of(results_of(half_done(sweep, finish))))
    assert [group.first.model for group in best] == ["gat teacher", "vgae teacher"]
    assert {group.params["learning_rate"] for group in best} == {0.003}


def test_an_evaluation_of_other_weights_is_named(
    sweep_of: MakeSweep, finish: Finish, tmp_path: Path
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", model="gat", one_stage=True)
    board = half_done(sweep, finish)
    artifact = next(sweep.plan.stages[0].frozen.run_dir.glob("models/*.pth"))
    artifact.write_bytes(b"other")
    first, second = results_of(board)
    assert not first.figures and "sha256 is" in first.problem
    assert second.figures and not second.problem


def test_a_group_is_told_by_its_part_and_what_its_runs_have_in_common(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    group = groups_of(results_of(half_done(sweep, finish)))[0]
    assert group.words == "learning_rate 0.001"
    result = replace(group.first, part="distilled")
    assert replace(group, results=(result,)).words == "distilled: learning_rate 0.001"
    assert replace(group, results=(result,), params={}).words == "distilled"
