"""Options of a submission: refused where they would do nothing, and login nodes that ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.cli.main import main

TRAIN = ["train", "--modality", "automotive", "--dataset", "none", "--model", "gat"]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without data, a profile or Slurm's commands; its path may get some."""
    for name in ("SLURM_JOB_ID", "CAN_TRAIN_SITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--site", "f"], "--site: has no effect without --submit"),
        (["--max-requeues", "1"], "--max-requeues: has no effect without --submit"),
        (["--array-limit", "2"], "--array-limit: has no effect without --submit"),
        (["--submit", "--local"], "--submit, --local: a plan runs in one place"),
        (["--submit", "--json", "--dry-run"], "--submit, --json: scripts are shown as text"),
        (
            ["--submit", "--array-limit", "0"],
            "0 isn't allowed. Allowed: a whole number from 1 to 1000000",
        ),
        (
            ["--submit", "--max-requeues", "-1"],
            "-1 isn't allowed. Allowed: a whole number from 0 to 1000000",
        ),
    ],
)
def test_options_that_would_do_nothing(
    bare: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main([*TRAIN, *words]) == 2
    assert says in capsys.readouterr().err


def test_a_login_node_asks_where_to_train(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = bare / "config" / "can-train" / "site.toml"
    profile.parent.mkdir(parents=True)
    profile.write_text("login_node = true\n")
    scontrol = bare / "bin" / "scontrol"
    scontrol.write_text("#!/bin/sh\nexit 0\n")
    scontrol.chmod(0o755)
    assert main(TRAIN) == 3
    said = capsys.readouterr().err
    assert "this is a login node" in said and str(profile) in said
    assert "--submit" in said and "--local" in said
    for word in ("--local", "--smoke", "--dry-run"):
        main([*TRAIN, word])
        assert "login node" not in capsys.readouterr().err
    scontrol.write_text("#!/bin/sh\nexit 1\n")
    main(TRAIN)
    assert "login node" not in capsys.readouterr().err


def test_logs_cancel_and_resume_name_what_is_missing(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, says in (
        (["logs", "x"], "no run x under"),
        (["cancel", "x"], "no run x under"),
        (["resume", "x"], "no plan x under"),
    ):
        assert main(words) == 3
        assert says in capsys.readouterr().err
