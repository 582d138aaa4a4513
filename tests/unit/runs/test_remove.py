"""Folders of runs and plans go with what is empty then."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from can_train.runs.layout import iter_runs
from can_train.runs.remove import remove_plan, remove_run
from can_train.runs.state import point_latest


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    words = ("automotive", "car", "supervised", "gat", "student", "no_distillation", "normal")
    found = (tmp_path.joinpath(*words, "0123"), tmp_path.joinpath(*words, "4567"))
    for run in found:
        (run / "configs").mkdir(parents=True)
        (run / "models").mkdir()
        (run / "status.json").touch()
    point_latest(found[0])
    return found


def test_a_run_goes_with_its_link_and_what_is_empty_then(
    tmp_path: Path, runs: tuple[Path, Path]
) -> None:
    remove_run(runs[1])
    assert list(iter_runs(tmp_path)) == [runs[0]]
    assert (runs[0].parent / "latest").is_symlink()
    remove_run(runs[0])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_removal_leaves_is_still_a_run(
    tmp_path: Path, runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_run(runs[0])
    assert runs[0] in iter_runs(tmp_path)
    remove_run(runs[0])
    assert list(iter_runs(tmp_path)) == [runs[1]]


def test_the_record_of_a_plan_goes_alone(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    for name in ("f00d", "beef"):
        (tmp_path / "plans" / name).mkdir(parents=True)
    remove_plan(tmp_path / "plans" / "f00d")
    assert (tmp_path / "plans" / "beef").is_dir()
    remove_plan(tmp_path / "plans" / "beef")
    assert not (tmp_path / "plans").exists() and len(list(iter_runs(tmp_path))) == 2
