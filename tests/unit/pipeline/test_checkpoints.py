"""What an interrupted run goes on from is there, whole and its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from can_train.errors import ArtifactError
from can_train.pipeline.checkpoints import check_checkpoint
from can_train.runs.layout import last_checkpoint
from can_train.runs.state import end_running, update_progress
from tests.damage import one_bit_flipped, pickle_with_code


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that failed after two epochs, without its checkpoint."""
    run = tmp_path / "0123456789ab"
    last_checkpoint(run).parent.mkdir(parents=True)
    end_running(run, "failed", exit_code=1)
    update_progress(run, epoch=2, epochs=9)
    return run


def saved(folder: Path, **document: object) -> Path:
    torch.save({"optimizer": {"step": torch.ones(3)}, **document}, last_checkpoint(folder))
    return last_checkpoint(folder)


def test_its_own_is_fine_and_so_is_one_that_does_not_say_whose_it_is(run: Path) -> None:
    for document in ({"run": run.name, "best_key": (0.5,), "sums": {"loss": 1.5}}, {}):
        saved(run, **document)
        check_checkpoint(run)


def test_a_missing_one_is_named_unless_the_run_was_killed_before_it_could_write_it(
    run: Path,
) -> None:
    with pytest.raises(ArtifactError, match=r"last.ckpt: missing although run \w+ trained 2"):
        check_checkpoint(run)
    update_progress(run, epoch=1, epochs=9)
    check_checkpoint(run)


def test_a_foreign_or_damaged_one_is_named(run: Path, tmp_path: Path) -> None:
    path = saved(run, run="another")
    with pytest.raises(ArtifactError, match=r"last.ckpt: checkpoint of run another. Restore it"):
        check_checkpoint(run)
    path.write_bytes(one_bit_flipped(path.read_bytes()[:-60]))
    with pytest.raises(ArtifactError, match=r"last.ckpt: damaged checkpoint"):
        check_checkpoint(run)
    torch.save({"config": {}, "state": torch.ones(2)}, path)
    with pytest.raises(ArtifactError, match=r"last.ckpt: not the checkpoint of a run. Restore it"):
        check_checkpoint(run)
    path.write_bytes(pickle_with_code(tmp_path / "proof"))
    with pytest.raises(ArtifactError, match=r"last.ckpt: damaged checkpoint"):
        check_checkpoint(run)
    assert not (tmp_path / "proof").exists()


def test_nobody_looks_at_that_of_a_finished_run(run: Path) -> None:
    end_running(run, "finished", exit_code=0)
    last_checkpoint(run).write_text("not read any more")
    check_checkpoint(run)
