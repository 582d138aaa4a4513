"""`can-train rm` and `can-train data list` as their users see them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from can_train.cli.main import main

WORDS = ("automotive", "car", "supervised", "gat", "student", "no_distillation", "normal")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path.joinpath("e", *WORDS, "0123456789ab")
    (run / "configs").mkdir(parents=True)
    return run


def rm(tmp_path: Path, *words: str) -> int:
    roots = ("--experiment-root", str(tmp_path / "e"), "--data-root", str(tmp_path / "d"))
    return main(["rm", *words, *roots])


def test_a_dry_run_shows_and_removes_nothing(
    tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rm(tmp_path, "0123", "--dry-run") == 0
    assert capsys.readouterr().out.split() == ["0.0", "MB", str(run)]
    assert run.is_dir()


@pytest.mark.parametrize(("answer", "stays"), [("y\n", False), ("n\n", True), ("", True)])
def test_it_asks(
    tmp_path: Path, run: Path, answer: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert rm(tmp_path, run.name) == 0
    assert run.is_dir() is stays


def test_where_nobody_can_be_asked_it_wants_a_word(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert rm(tmp_path, run.name) == 2
    told = capsys.readouterr().err
    assert "Use: can-train rm --data-root" in told and f"{run.name} --yes" in told
    assert run.is_dir()
    assert rm(tmp_path, run.name, "--yes") == 0
    assert not (tmp_path / "e" / "automotive").exists()


def test_a_dataset_goes_by_its_whole_name(tmp_path: Path, run: Path) -> None:
    folder = tmp_path / "d" / "automotive" / "mycar"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text("{")
    assert rm(tmp_path, "mycar", "--yes") == 0
    assert not folder.exists()
    assert rm(tmp_path, "myc", "--yes") == 3


def test_data_list_shows_what_is_there_and_what_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["data", "list", "--data-root", str(tmp_path)]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(f"no datasets under {tmp_path}. Make one: ")
    source = tmp_path / "s"
    for scenario in ("train_01_attack_free", "test_01_known_vehicle_known_attack"):
        (source / scenario).mkdir(parents=True)
        lines = "timestamp,arbitration_id,data_field,attack\n" + f"0.0,1,{len(scenario):02X},0\n"
        (source / scenario / "a-1.csv").write_text(lines)
    prepare = ["data", "prepare", "--modality", "automotive", "--dataset", "mini"]
    assert main([*prepare, "--source", str(source), "--data-root", str(tmp_path)]) == 0
    (tmp_path / "automotive" / "broken").mkdir()
    (tmp_path / "automotive" / "broken" / "dataset.json").write_text("{")
    capsys.readouterr()
    assert main(words) == 5
    header, broken, why, mini = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["dataset", "modality"]
    assert broken.split() == ["broken", "automotive"] and "not a dataset manifest" in why
    assert mini.split() == ["mini", "automotive", "1", "1", "1", "1", "1"]
    assert main([*words, "--json"]) == 5
    documents = json.loads(capsys.readouterr().out)
    assert [d["training_frames"] for d in documents if not d["problem"]] == [1]
