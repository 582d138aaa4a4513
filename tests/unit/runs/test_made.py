"""A finished run is what it made, or is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import ArtifactError
from can_train.files import sha256_of
from can_train.runs.layout import artifact_path, summary_path
from can_train.runs.made import check_made, finish
from can_train.runs.state import end_running, read_status, write_status
from can_train.runs.summary import ranked, write_summary

WORDS = ("automotive", "car", "supervised", "gat", "student", "no_distillation", "normal")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = tmp_path.joinpath(*WORDS, "0123456789ab")
    for path in (artifact_path(run, "gat", "student"), frozen(run)):
        path.parent.mkdir(parents=True)
        path.write_text(path.name)
    sha256 = sha256_of(artifact_path(run, "gat", "student"))
    write_summary(run, ranked("val_loss", 1.0, sha256), {})
    finish(run)
    return run


def frozen(run: Path) -> Path:
    return run / "configs" / "frozen_config_0123456789ab.json"


def test_what_nobody_touched_is_fine(run: Path) -> None:
    check_made(run)
    status = read_status(run)
    assert status is not None and sorted(status.made) == [
        "configs/frozen_config_0123456789ab.json",
        "models/gat_student.pth",
        "summary.json",
    ]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("other")])
def test_each_file_is_named_when_it_is_gone_or_another(run: Path, damage) -> None:
    for path in (artifact_path(run, "gat", "student"), frozen(run), summary_path(run)):
        before = path.read_bytes()
        damage(path)
        with pytest.raises(ArtifactError, match=rf"{path}: (missing although|sha256 is)"):
            check_made(run)
        path.write_bytes(before)


def test_a_run_without_recorded_hashes_is_checked_by_its_summary(run: Path) -> None:
    status = read_status(run)
    assert status is not None
    write_status(run, replace(status, made={}))
    frozen(run).write_text("nothing is known of it")
    check_made(run)
    artifact_path(run, "gat", "student").write_text("other")
    with pytest.raises(ArtifactError, match=r"gat_student.pth: sha256 is"):
        check_made(run)


def test_what_has_not_finished_made_nothing_yet(run: Path) -> None:
    artifact_path(run, "gat", "student").unlink()
    end_running(run, "failed", exit_code=1)
    check_made(run)
