"""The table of a sweep on the screen, in Markdown, in LaTeX, and for programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from can_train.sweeps.report import columns_of, frame_of, latex_of, markdown_of, rows_of
from can_train.sweeps.results import results_of
from tests.unit.comparison.runs_for_tests import FIRST
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import MakeSweep
from tests.unit.sweeps.test_results import half_done

AXES = ("learning_rate=0.001,0.003", "seed=0,1")


def test_rows_are_groups_with_intervals_and_the_best_is_marked(
    sweep_of: MakeSweep, finish: Finish
) -> None:
    sweep = sweep_of(*AXES, model="gat", one_stage=True)
    results = results_of(half_done(sweep, finish))
    titles = [column.title for column in columns_of(sweep.manifest, results)]
    assert titles == ["learning_rate", "model", "seeds", "validation", "ROC-AUC", "F1", "FPR",
                      "minutes", ""]  # fmt: skip
    first, second = rows_of(sweep.manifest, results)
    assert first.cells == (
        "0.001", "gat teacher", "2", "val_loss 0.4000 ± 1.2706", "0.4500 ± 0.6353",
        "0.4500 ± 0.6353", "0.2500 ± 0.0000", "n/a", "",
    )  # fmt: skip
    assert (second.cells[0], second.cells[-1]) == ("0.003", "*")


def test_what_has_not_finished_says_so(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of(*AXES, model="gat", one_stage=True)
    results = results_of(half_done(sweep, finish, left=2))
    _, second = rows_of(sweep.manifest, results)
    assert second.cells[3:5] == ("planned", "n/a")
    assert "2 runs of 4 haven't finished" in markdown_of(sweep.manifest, results)


def test_pages_hold_the_rows_the_command_and_the_bill(sweep_of: MakeSweep, finish: Finish) -> None:
    sweep = sweep_of(*AXES, model="gat", one_stage=True)
    results = results_of(half_done(sweep, finish))
    page = markdown_of(sweep.manifest, results, ["the bill"])
    assert "# Sweep a name" in page and "```\ntyped\n```" in page and "* the bill" in page
    assert "| 0.003 | gat teacher | 2 | val_loss 0.3000 ± 1.2706 |" in page
    text = latex_of(sweep.manifest, results, ["the bill"])
    assert r"learning\_rate & model & seeds" in text and r"\begin{tabular}{llrlrrrrl}" in text
    assert r"0.003 & gat teacher & 2 & val\_loss 0.3000 $\pm$ 1.2706" in text
    assert "% the bill" in text


def test_csv_and_parquet_hold_a_row_per_run(
    sweep_of: MakeSweep, finish: Finish, tmp_path: Path
) -> None:
    sweep = sweep_of(*AXES, model="gat", one_stage=True)
    frame = frame_of(sweep.manifest, results_of(half_done(sweep, finish, left=1)))
    rows = list(csv.DictReader(io.StringIO(frame.write_csv())))
    assert [(r["param.learning_rate"], r["param.seed"], r["state"]) for r in rows] == [
        ("0.001", "0", "finished"), ("0.001", "1", "finished"),
        ("0.003", "0", "finished"), ("0.003", "1", "planned"),
    ]  # fmt: skip
    assert rows[0][f"{FIRST}.roc_auc"] == "0.5" and rows[3][f"{FIRST}.roc_auc"] == ""
    frame.write_parquet(tmp_path / "r.parquet")
    again = pl.read_parquet(tmp_path / "r.parquet")
    assert again.equals(frame)
    assert again["validation_value"].to_list() == [0.5, 0.3, 0.2, None]
