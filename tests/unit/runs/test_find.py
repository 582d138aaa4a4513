"""What a name means: a run, a plan or a dataset."""

import json
from pathlib import Path

import pytest

from can_train.errors import ArtifactError, PreflightError
from can_train.runs.find import Selection, select_runs


def make_run(root: Path, dataset: str, name: str) -> Path:
    run = root.joinpath("automotive", dataset, "supervised", "gat", "student", "no_distillation",
                        "normal", name)  # fmt: skip
    (run / "configs").mkdir(parents=True)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path, d, n) for d, n in (("car", "a1"), ("car", "b1"), ("bus", "c1"))]


def test_runs_plans_and_datasets_are_told_apart(tmp_path: Path, runs: list[Path]) -> None:
    plan = tmp_path / "plans" / "f00d"
    plan.mkdir(parents=True)
    stages = [{"run_dir": str(run.relative_to(tmp_path))} for run in runs[1:]]
    (plan / "plan.json").write_text(json.dumps({"stages": stages}))
    for name in ("f00d", "f0", str(plan)):
        assert select_runs(tmp_path, [name]) == Selection(named=tuple(runs[1:]), found=())
    assert select_runs(tmp_path, ["car"]) == Selection(named=(), found=tuple(runs[:2]))
    assert select_runs(tmp_path, ["a"]).named == (runs[0],)
    mixed = select_runs(tmp_path, ["car", "b1", "b1", "bus"])
    assert mixed == Selection(named=(runs[1],), found=(runs[0], runs[2]))
    (plan / "plan.json").write_text("{}")
    with pytest.raises(ArtifactError, match="has no stages"):
        select_runs(tmp_path, ["f00d"])


def test_an_unknown_name_lists_the_datasets(tmp_path: Path, runs: list[Path]) -> None:
    with pytest.raises(PreflightError, match="no run truck .* Datasets with runs: bus, car"):
        select_runs(tmp_path, ["truck"])
