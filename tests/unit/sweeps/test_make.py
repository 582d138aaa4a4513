"""From a grid to runs: what combinations share is one run, and the record gives the same again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import ConfigError, PreflightError, ProblemList
from can_train.pipeline.plan import jobs_of
from can_train.runs.layout import Roots
from can_train.sweeps.make import check_reproduced, make_sweep, order_of
from can_train.sweeps.manifest import read_manifest, write_manifest
from tests.unit.sweeps.conftest import MakeSweep

CHAIN = {"model": "vgae,gat,dqn", "training_strategy": "autoencoder,curriculum,fusion"}


def test_a_grid_of_nine_has_nine_combinations(sweep_of: MakeSweep) -> None:
    axes = ("learning_rate=0.001,0.003,0.005", "batch_size=32,64,128")
    sweep = sweep_of(*axes, model="gat", one_stage=True)
    manifest = sweep.manifest
    assert manifest.total_combinations == len(manifest.configs) == len(sweep.plan.stages) == 9
    assert dict(manifest.grid_definition) == {
        "learning_rate": [0.001, 0.003, 0.005], "batch_size": [32, 64, 128],
    }  # fmt: skip
    configs = [stage.config for stage in sweep.plan.stages]
    assert [dict(config.params) for config in manifest.configs] == [
        {"learning_rate": c.training.learning_rate, "batch_size": c.training.batch_size}
        for c in configs
    ]
    assert len({config.id for config in manifest.configs}) == 9
    assert all(config.path.endswith(".json") for config in manifest.configs)
    assert not any(request.evaluate for request in sweep.handover.requests)


def test_what_combinations_share_is_one_run(sweep_of: MakeSweep) -> None:
    sweep = sweep_of("gat.heads=2,4,8", **CHAIN)
    jobs = jobs_of(sweep.plan)
    assert [job.name for job in jobs] == ["vgae", "gat", "dqn", "gat", "dqn", "gat", "dqn"]
    assert [job.depends_on for job in jobs] == [(), (1,), (1, 2), (1,), (1, 4), (1,), (1, 6)]
    assert [len(config.runs) for config in sweep.manifest.configs] == [3, 3, 3]
    assert {config.runs[0].run_dir for config in sweep.manifest.configs} == {
        str(jobs[0].run_dir.relative_to(sweep.plan.roots.experiments))
    }
    evaluated = [r.job.number for r in sweep.handover.requests if r.evaluate]
    assert evaluated == [3, 5, 7]
    assert sweep.manifest.sweep_id == sweep.plan.plan_id


def test_a_stage_that_ends_one_combination_and_feeds_another_is_evaluated(
    sweep_of: MakeSweep,
) -> None:
    sweep = sweep_of("model=[vgae,gat],[vgae,gat,dqn]")
    assert [r.job.number for r in sweep.handover.requests if r.evaluate] == [2, 3]


def test_wrong_values_are_told_once_each(sweep_of: MakeSweep) -> None:
    with pytest.raises(ProblemList) as error:
        sweep_of("seed=1,2,3", model="gat", epochs="none", threads="0")
    assert len(error.value.problems) == 2
    assert str(error.value).count("--epochs") == 1


def test_an_axis_that_decides_nothing_is_refused(sweep_of: MakeSweep) -> None:
    with pytest.raises(ConfigError, match="--grid training_strategy: decides nothing here"):
        sweep_of("training_strategy=autoencoder,[autoencoder]", model="vgae")


def test_the_record_alone_makes_the_same_sweep_elsewhere(
    sweep_of: MakeSweep, roots: Roots, tmp_path: Path
) -> None:
    axes = ("seed=2,1", "gat.heads=2,4", "epochs=[3,2,1],[4,2,1]")
    sweep = sweep_of(*axes, **CHAIN, model_args="fc_channels=96x48")
    path = write_manifest(roots.experiments, sweep.manifest)
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    elsewhere = Roots(data=roots.data, experiments=tmp_path / "other", teachers=tmp_path / "t")
    manifest = read_manifest(copy)
    again = make_sweep(order_of(manifest), elsewhere)
    check_reproduced(manifest, again)
    assert again.manifest.configs == sweep.manifest.configs
    assert (again.manifest.sweep_id, again.manifest.command) == (manifest.sweep_id, "typed")


def test_other_data_are_named(sweep_of: MakeSweep) -> None:
    sweep = sweep_of("seed=1,2", model="gat")
    before = replace(sweep.manifest, data_digests={"car": "0" * 64})
    with pytest.raises(PreflightError, match="dataset car has digest .* it isn't the same data"):
        check_reproduced(before, sweep)


def test_runs_that_would_be_others_are_named(sweep_of: MakeSweep) -> None:
    one = sweep_of("seed=1,2", model="gat")
    other = sweep_of("seed=1,3", model="gat")
    with pytest.raises(PreflightError, match="1 of 2 combinations would be other runs .* seed 2"):
        check_reproduced(one.manifest, other)
