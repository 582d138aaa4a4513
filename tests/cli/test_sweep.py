"""`can-train sweep`: what it refuses before anything is written, what it shows, and how it ends."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.cli.sweep_results import write_results
from can_train.dataset.manifest import DatasetManifest
from can_train.pipeline.record import write_plan
from can_train.runs.layout import Roots, plan_dir, sweep_dir
from can_train.runs.state import RunStatus, write_status
from can_train.sweeps.make import Sweep
from can_train.sweeps.manifest import manifest_of, write_manifest
from can_train.sweeps.standing import sweep_board
from tests.unit.pipeline.conftest import Finish
from tests.unit.sweeps.conftest import Ask, MakeSweep, Runner
from tests.unit.sweeps.conftest import asked as asked
from tests.unit.sweeps.conftest import dataset as dataset
from tests.unit.sweeps.conftest import finish as finish
from tests.unit.sweeps.conftest import roots as roots
from tests.unit.sweeps.conftest import runner as runner
from tests.unit.sweeps.conftest import sweep_of as sweep_of

NINE = ("--grid", "learning_rate=0.001,0.003,0.005", "--grid", "batch_size=32,64,128")
GAT = ("--modality", "automotive", "--dataset", "car", "--model", "gat")


@pytest.fixture
def folders(roots: Roots, dataset: DatasetManifest) -> tuple[str, ...]:
    """Options for the roots, with a dataset under them."""
    return ("--data-root", str(roots.data), "--experiment-root", str(roots.experiments),
            "--teacher-root", str(roots.teachers))  # fmt: skip


@pytest.fixture
def stored(sweep_of: MakeSweep, roots: Roots) -> Sweep:
    """A sweep of two seeds as it lies on disk before anything ran."""
    sweep = sweep_of("seed=1,2", model="gat", one_stage=True)
    write_manifest(roots.experiments, sweep.manifest)
    write_plan(sweep.plan)
    return sweep


def test_a_dry_run_shows_every_combination_and_writes_nothing(
    folders: tuple[str, ...], roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "train", *GAT, *NINE, *folders, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "9 combinations, 9 runs (0 of 9 stages shared)" in said
    assert "learning_rate  batch_size  run" in said
    words = ["sweep", "train", *GAT, *NINE, *folders, "--dry-run", "--json"]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["total_combinations"] == len(document["configs"]) == 9
    assert document["command"] == shlex.join(["can-train", *words])
    assert not roots.experiments.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--grid", "learning_rate=0.001,fast"], "--grid learning_rate: fast isn't allowed"),
        (["--grid", "sed=1"], "--grid sed: isn't known; did you mean seed?"),
        (["--grid", "seed=1,2", "--seed", "3"], "--grid seed: also given by --seed"),
        (["--grid", "seed=1,2", "--epochs", "0"], "--epochs: 0 isn't allowed"),
        (["--grid", "window=50,5000"], "--grid window: 5000 isn't allowed"),
        (["--grid-file", "nosuch.yaml"], "--grid-file: nosuch.yaml can't be read"),
        ([], "--grid: missing"),
        (["--grid", "seed=1,2", "--name", "x" * 61], "Allowed: 1 to 60 printable characters"),
        (["--grid", "seed=1,2", "--jobs", "0"], "Allowed: a whole number from 1"),
        (["--grid", "seed=1,2", "--json"], "Add --dry-run"),
        (["--grid", "seed=1,2", "--force"], "--force isn't known"),
        (["--grid", "learning_rate=1e-4..1e-2"], "a range is for a search. Add --search tpe"),
        (["--grid", "heads=2,4", "--trials", "4"], "--trials: has no effect without --search"),
        (["--grid", "heads=2,4", "--search", "tpe"], "--search: say how many trials. Use for"),
        (["--search", "tpe", "--trials", "4"], "--grid: missing. Use for example: --grid learn"),
        (["--search", "best"], "--search: best isn't known. Allowed: tpe"),
        (["--grid", "seed=1,2", "--search", "tpe", "--trials", "4"], "a search can't choose by it"),
        (
            ["--grid-file", "campaign", "--search", "tpe", "--trials", "4"],
            "--grid-file: trains all",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    words: list[str],
    said: str,
    folders: tuple[str, ...],
    roots: Roots,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sweep", "train", *GAT, *words, *folders]) == 2
    assert said in capsys.readouterr().err
    assert not roots.experiments.exists()


def test_lists_in_a_bucket_are_swept_and_train_says_so(
    folders: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = ("--model-args", "learning_rate=[0.001,0.003]")
    assert main(["train", *GAT, *bucket, *folders]) == 2
    assert "Run them all: the word sweep before train" in capsys.readouterr().err
    assert main(["sweep", "train", *GAT, *bucket, *folders, "--dry-run"]) == 0
    assert "2 combinations, 2 runs" in capsys.readouterr().out


def test_the_campaign_shares_what_it_can_wherever_it_is_typed(
    folders: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "campaign").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ("--modality", "automotive", "--dataset", "car")
    assert main(["campaign", *words, *folders, "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["total_combinations"]) == ("campaign", 3 * (1 + 4 + 1 + 1))
    runs = {run["run_dir"] for config in document["configs"] for run in config["runs"]}
    assert len(runs) == 3 * (6 + 6 + 2 + 2)
    sizes = {tuple(run.split("/")[3:5]) for run in runs}
    assert sizes == {(m, s) for m in ("vgae", "gat", "dqn") for s in ("teacher", "student")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "x.doc"], "--out: x.doc isn't allowed. Allowed endings: .md, .tex, .csv"),
        (["--out", "x.md", "--submit"], "--out: nobody waits for these jobs. When they have ended"),
        (["--grid", "alpha=0..1"], "a range is for a search"),
    ],
)
def test_a_campaign_refuses_what_it_cant_do(
    words: list[str],
    said: str,
    folders: tuple[str, ...],
    roots: Roots,
    capsys: pytest.CaptureFixture[str],
) -> None:
    head = ("campaign", "--modality", "automotive", "--dataset", "car")
    assert main([*head, *words, *folders]) == 2
    assert said in capsys.readouterr().err
    assert not roots.experiments.exists()


def test_results_are_written_when_a_sweep_ends(
    stored: Sweep, finish: Finish, folders: tuple[str, ...], roots: Roots, tmp_path: Path
) -> None:
    for planned in stored.plan.stages:
        finish(planned)
    outs = [tmp_path / f"table.{ending}" for ending in ("md", "tex", "csv")]
    board = sweep_board(roots.experiments, stored.manifest)
    write_results(roots.experiments, board, outs)
    markdown, latex, table = (out.read_text("utf-8") for out in outs)
    assert "the bill: " in markdown and "energy n/a" in markdown
    assert "\\toprule" in latex and len(table.splitlines()) == 3


def test_status_shows_sweeps_and_combinations(
    stored: Sweep, folders: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    name, root = stored.manifest.sweep_id, folders[2:4]
    write_status(stored.plan.stages[0].frozen.run_dir, RunStatus(state="failed", message="burst"))
    assert main(["sweep", "status", *root]) == 0
    said = capsys.readouterr().out
    assert f"{name}  failed  0 of 2 done   a name  seed\n" in said
    assert f"next: can-train sweep resume {name} --experiment-root" in said
    assert main(["sweep", "status", name[:6], *root]) == 1
    said = capsys.readouterr().out
    assert f"sweep {name} (a name): failed, 0 of 2 combinations done (1 failed, 1 planned)" in said
    assert "burst" in said
    assert said.endswith(f"\nnext: can-train sweep resume {name} --experiment-root {root[1]}\n")
    assert main(["status", *root]) == 1
    said = capsys.readouterr().out
    assert f"{name}  failed  0 of 2 done   a name  seed\n" in said and "plan  " not in said
    assert main(["sweep", "status", name, "--json", *root]) == 1
    assert json.loads(capsys.readouterr().out)["combinations"][0]["params"] == {"seed": 1}


def test_results_are_written_in_the_form_that_the_name_ends_with(
    stored: Sweep,
    finish: Finish,
    folders: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, root = stored.manifest.sweep_id, folders[2:4]
    assert main(["sweep", "best", name, *root]) == 3
    assert f"Look at it: can-train sweep status --experiment-root {root[1]} {name}" in (
        capsys.readouterr().err
    )
    for value, planned in enumerate(stored.plan.stages):
        finish(planned, float(value))
    outs = [tmp_path / f"results.{end}" for end in ("md", "tex", "csv", "parquet")]
    words = [word for out in outs for word in ("--out", str(out))]
    assert main(["sweep", "results", name, *words, *root]) == 0
    said = capsys.readouterr()
    assert "val_loss 0.5000 ± 6.3531" in said.out and "the bill: 0 runs" in said.out
    assert all(out.stat().st_size for out in outs) and said.err.count("written: ") == 4
    assert main(["sweep", "results", name, "--out", "x.doc", *root]) == 2
    assert "Allowed endings: .md, .tex, .csv, .parquet" in capsys.readouterr().err
    shown = tmp_path / "pictures"
    assert main(["sweep", "results", name, "--pictures", str(shown), "--json", *root]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 2
    assert not shown.exists()  # a seed is no axis
    assert main(["sweep", "best", name, *root]) == 0
    assert "car gat teacher: the only one: val_loss 0.5000" in capsys.readouterr().out


def test_nothing_to_retry_or_to_cancel_is_said(
    stored: Sweep, folders: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    name, root = stored.manifest.sweep_id, folders[2:4]
    assert main(["sweep", "retry-failed", name, *root]) == 0
    assert "nothing to retry: no run of this sweep failed" in capsys.readouterr().out
    assert main(["sweep", "cancel", name, *root]) == 0
    assert capsys.readouterr().out == "nothing works on it\n"


def test_what_is_removed_as_a_plan_is_gone_as_a_sweep(stored: Sweep, roots: Roots) -> None:
    name = stored.manifest.sweep_id
    assert main(["rm", name, "--yes", "--experiment-root", str(roots.experiments)]) == 0
    assert not sweep_dir(roots.experiments, name).exists()
    assert not plan_dir(roots.experiments, name).exists()


def test_finished_runs_are_reused_and_the_record_is_kept(
    stored: Sweep,
    finish: Finish,
    roots: Roots,
    folders: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for planned in stored.plan.stages:
        finish(planned)
    name = stored.manifest.sweep_id
    before = manifest_of(sweep_dir(roots.experiments, name))
    assert main(["sweep", "train", *GAT, "--grid", "seed=1,2", "--no-register", *folders]) == 0
    said = capsys.readouterr().out
    assert said.count("reused: ") == 2 and f"sweep {name}: finished, 2 of 2" in said
    after = manifest_of(sweep_dir(roots.experiments, name))
    assert (after.created_at, after.command, after.name) == (
        before.created_at, before.command, before.name,
    )  # fmt: skip
    assert after.state == "finished"


SEARCH = ("--grid", "learning_rate=1e-4..1e-2", "--grid", "heads=2,4", "--search", "tpe")


@pytest.mark.search
def test_a_search_is_shown_and_refused_where_it_cant_run(
    folders: tuple[str, ...], roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "train", *GAT, *SEARCH, "--trials", "30", *folders]
    assert main([*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "a search of 30 trials, chosen from" in said and "0.0001..0.01:log" in said
    assert main([*words, "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["search"] == {"sampler": "tpe", "trials": 30}
    assert (document["total_combinations"], document["configs"]) == (30, [])
    assert not roots.experiments.exists()


@pytest.mark.search
def test_a_search_is_recorded_as_it_stands(
    asked: Ask, runner: Runner, folders: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    axis = "learning_rate=1e-4..1e-2"
    tried = runner.run(asked(axis, trials=3)).manifest
    words = ["sweep", "train", *GAT, "--grid", axis, "--search", "tpe", "--trials", "2", *folders]
    folder = sweep_dir(runner.roots.experiments, tried.sweep_id)
    assert main(words) == 0 and manifest_of(folder).state == "finished"
    assert len(manifest_of(folder).configs) == manifest_of(folder).total_combinations == 3
    assert "finished, 3 of 3 combinations done" in capsys.readouterr().out
    others = (replace(tried.configs[0], runs=()),)
    write_manifest(runner.roots.experiments, replace(tried, state="failed", configs=others))
    assert main(words) == 3 and manifest_of(folder).state == "failed"
    assert "1 of the trials would be other runs than before" in capsys.readouterr().err


def test_a_search_without_its_extra_says_how_to_get_it(
    folders: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["sweep", "train", *GAT, *SEARCH, "--trials", "30", *folders]) == 3
    said = capsys.readouterr().err
    assert (
        "which isn't installed. Get it, once: can-train env" in said and "--install search" in said
    )


def test_a_manifest_that_is_not_there_is_told_as_a_file(
    folders: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").touch()
    words = ["sweep", "reproduce", str(tmp_path / "manifset.json"), *folders]
    assert main(words) == 3
    said = capsys.readouterr().err
    assert "manifset.json: no such file in " in said
    assert "did you mean manifest.json? Give a manifest or a sweep" in said
