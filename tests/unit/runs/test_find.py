"""What a name means: a run, a plan or a dataset, by one rule."""

import json
from pathlib import Path

import pytest

from can_train.errors import ArtifactError, PreflightError
from can_train.runs.find import RUN_OR_PLAN, Found, Selection, find, find_plan, find_run, select


def make_run(root: Path, dataset: str, name: str) -> Path:
    run = root.joinpath("automotive", dataset, "supervised", "gat", "student", "no_distillation",
                        "normal", name)  # fmt: skip
    (run / "configs").mkdir(parents=True)
    return run


def make_plan(root: Path, name: str, *runs: Path) -> Path:
    plan = root / "plans" / name
    plan.mkdir(parents=True)
    stages = [{"run_dir": str(run.relative_to(root))} for run in runs]
    (plan / "plan.json").write_text(json.dumps({"stages": stages}))
    return plan


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path, d, n) for d, n in (("car", "a1"), ("car", "b1"), ("bus", "c1"))]


def refusal(root: Path, name: str) -> str:
    """What `compare` says of `name`; `status`, `resume` and `evaluate` must agree on it."""
    with pytest.raises(PreflightError) as caught:
        select(root, [name])
    return str(caught.value)


def test_runs_plans_and_datasets_are_told_apart(tmp_path: Path, runs: list[Path]) -> None:
    plan = make_plan(tmp_path, "f00d", *runs[1:])
    for name in ("f00d", "f0", str(plan)):
        assert select(tmp_path, [name]) == Selection(named=tuple(runs[1:]), found=())
    assert select(tmp_path, ["car"]) == Selection(named=(), found=tuple(runs[:2]))
    assert select(tmp_path, ["a"]).named == (runs[0],)
    mixed = select(tmp_path, ["car", "b1", "b1", "bus"])
    assert mixed == Selection(named=(runs[1],), found=(runs[0], runs[2]))
    (plan / "plan.json").write_text("{}")
    with pytest.raises(ArtifactError, match="has no stages"):
        select(tmp_path, ["f00d"])


def test_an_unknown_name_lists_the_datasets(tmp_path: Path, runs: list[Path]) -> None:
    assert refusal(tmp_path, "truck").endswith(" Datasets with runs: bus, car.")


def test_an_empty_name_means_nothing(tmp_path: Path, runs: list[Path]) -> None:
    """It is the beginning of every id, and of the only plan above all."""
    make_plan(tmp_path, "f00d", *runs)
    assert refusal(tmp_path, "").startswith("an empty name means no run or plan or dataset")
    for kinds in (("run",), ("plan",), RUN_OR_PLAN):
        with pytest.raises(PreflightError, match="an empty name means no"):
            find(tmp_path, "", kinds)


def test_the_beginning_of_several_plans_lists_them(tmp_path: Path, runs: list[Path]) -> None:
    for name in ("f00d", "f0cc"):
        make_plan(tmp_path, name, *runs)
    several = "f0 is the beginning of several plans: f00d, f0cc. Give more letters."
    assert refusal(tmp_path, "f0") == several
    with pytest.raises(PreflightError, match=several):
        find_plan(tmp_path, "f0")


def test_a_beginning_that_a_run_and_a_plan_share_lists_both(
    tmp_path: Path, runs: list[Path]
) -> None:
    plan = make_plan(tmp_path, "a1ee", *runs)
    several = "a is the beginning of several runs and plans: run a1, plan a1ee"
    with pytest.raises(PreflightError, match=several):
        find(tmp_path, "a", RUN_OR_PLAN)
    assert find(tmp_path, "a1", RUN_OR_PLAN) == Found(kind="run", folder=runs[0])
    assert find(tmp_path, "a1e", RUN_OR_PLAN) == Found(kind="plan", folder=plan)
    assert (find_run(tmp_path, "a"), find_plan(tmp_path, "a")) == (runs[0], plan)


def test_a_whole_id_wins_over_those_that_begin_with_it(tmp_path: Path) -> None:
    first, again = make_run(tmp_path, "car", "a1"), make_run(tmp_path, "car", "a1-2")
    assert find_run(tmp_path, "a1") == first
    assert find_run(tmp_path, "a1-") == again
    with pytest.raises(PreflightError, match="several runs: a1, a1-2"):
        find_run(tmp_path, "a")


def test_folders_are_names(
    tmp_path: Path, runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(tmp_path, "f00d", *runs)
    assert find_run(tmp_path / "elsewhere", str(runs[0])) == runs[0]
    assert find_plan(tmp_path / "elsewhere", str(plan)) == plan
    assert select(tmp_path, [str(tmp_path / "automotive" / "bus")]).found == (runs[2],)
    monkeypatch.chdir(runs[0])
    assert find_run(tmp_path, ".") == runs[0]
    monkeypatch.chdir(tmp_path / "automotive")  # where it is a name and a folder
    assert select(tmp_path, ["bus"]).found == (runs[2],)


def test_nothing_of_that_name_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="no run x under .*: can-train status"):
        find(tmp_path, "x", RUN_OR_PLAN)
    with pytest.raises(PreflightError, match=f"no plan x under {tmp_path}/plans. Give the id"):
        find_plan(tmp_path, "x")
