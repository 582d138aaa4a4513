"""Detectors of others in the tables of a sweep: once per dataset and seed, over seeds."""

from __future__ import annotations

import csv
from dataclasses import replace

from can_train.baselines.named import DetectorIdentity
from can_train.evaluation.report import EvaluationRow, load_report, write_report
from can_train.pipeline.record import write_plan
from can_train.runs.layout import evaluation_path
from can_train.sweeps.manifest import write_manifest
from can_train.sweeps.others import others_of
from can_train.sweeps.report import OTHERS, frame_of, latex_of, markdown_of, rows_of
from can_train.sweeps.results import results_of
from can_train.sweeps.standing import sweep_board
from tests.unit.comparison.runs_for_tests import FIRST, SECOND, Made, figures
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import MakeSweep

MINE = DetectorIdentity(module="mine", cls="Mine", version="", sha256="0" * 64)


def test_they_stand_below_the_runs_once_per_seed(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("learning_rate=0.001,0.003", "seed=0,1", model="gat", one_stage=True)
    root = sweep.plan.roots.experiments
    write_manifest(root, sweep.manifest)
    write_plan(sweep.plan)
    for planned in sweep.plan.stages:
        finish(planned, 0.5)
        run, config = planned.frozen.run_dir, planned.config
        Made(root).evaluation(run, {"gat": (planned.run_id, {FIRST: 0.5, SECOND: 0.5})})
        report = load_report(evaluation_path(run))
        values = {FIRST: 0.7 + 0.1 * config.seed, SECOND: 0.9 + 0.1 * config.seed}
        others = [
            EvaluationRow(scenario=s, file=None, scorer="mine", kind="other", threshold=None,
                          metrics=figures(value)) for s, value in values.items()
        ]  # fmt: skip
        rows = (*report.rows, *others)
        write_report(replace(report, rows=rows, detectors={"mine": MINE}), run)
    manifest, results = sweep.manifest, results_of(sweep_board(root, sweep.manifest))
    (mine,) = others_of(results)
    assert (mine.dataset, mine.name, list(mine.figures)) == (results[0].dataset, "mine", [0, 1])
    mean = mine.test("roc_auc")
    assert mean is not None and round(mean.mean, 6) == 0.85 and mean.count == 2
    last = [row.cells for row in rows_of(manifest, results)][-1]
    assert "mine" in last and any(cell.startswith("0.8500 ±") for cell in last)
    for text in (markdown_of(manifest, results), latex_of(manifest, results)):
        assert sum("mine" in line for line in text.splitlines()) == 1
    frame = frame_of(manifest, results)
    records = list(csv.DictReader(frame.write_csv().splitlines()))
    assert [r["model"] for r in records] == [*["gat teacher"] * 4, "mine", "mine"]
    assert [r["part"] for r in records[4:]] == [OTHERS] * 2
    assert [(r["param.seed"], r[f"{FIRST}.roc_auc"]) for r in records[4:]] == [
        ("0", "0.7"), ("1", "0.7999999999999999"),
    ]  # fmt: skip
    assert {r["sweep_id"] for r in records} == {manifest.sweep_id}


def test_other_windows_are_told_apart(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of("learning_rate=0.001", model="gat", one_stage=True)
    write_manifest(sweep.plan.roots.experiments, sweep.manifest)
    write_plan(sweep.plan)
    (result,) = results_of(sweep_board(sweep.plan.roots.experiments, sweep.manifest))
    assert others_of([result]) == ()
    one = replace(result, others={"mine": {}}, seed=0, windows="100 frames at 100, time")
    assert [each.name for each in others_of([one, replace(one, seed=1)])] == ["mine"]
    two = replace(one, windows="50 frames at 50, time")
    assert [each.name for each in others_of([one, two])] == [
        "mine (100 frames at 100, time)", "mine (50 frames at 50, time)",
    ]  # fmt: skip
