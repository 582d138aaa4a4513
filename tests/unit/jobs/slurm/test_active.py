"""Which jobs of the queue are those of an experiment root."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.errors import SubmissionError
from can_train.jobs.slurm.active import active_jobs
from can_train.jobs.slurm.record import SubmissionSettings
from can_train.jobs.slurm.submit import submit
from tests.unit.jobs.fake_slurm import FakeSlurm
from tests.unit.jobs.slurm.requests_for_tests import handover, requests


def submitted(root: Path) -> None:
    submit(handover(root / "plans" / "p"), requests(root, ()), SubmissionSettings())


def test_the_same_run_under_two_roots_is_two_jobs(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    submitted(first)
    submitted(second)
    assert len(set(fake_slurm.queue.values())) == 1
    assert active_jobs(["gat-run1"], first) == {"gat-run1": ["1"]}
    assert active_jobs(["gat-run1"], second) == {"gat-run1": ["2"]}
    assert active_jobs(["gat-run1"], tmp_path / "c") == {}


def test_a_root_is_known_by_every_name(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    root, link = tmp_path / "root", tmp_path / "link"
    root.mkdir()
    link.symlink_to(root)
    submitted(link)
    assert active_jobs(["gat-run1"], root) == {"gat-run1": ["1"]}
    with pytest.raises(SubmissionError, match="in the queue already, as Slurm job 1"):
        submitted(root)


def test_a_job_that_was_cancelled_is_waited_for(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    submitted(tmp_path)
    job = fake_slurm.home / "queue" / "1"
    job.write_text("gat-run1|COMPLETING")
    assert active_jobs(["gat-run1"], tmp_path) == {"gat-run1": ["1"]}
    job.write_text("gat-run1|COMPLETING")
    assert active_jobs(["gat-run1"], tmp_path, patience_s=5) == {}
    job.write_text("gat-run1|COMPLETING")
    submitted(tmp_path)
    assert sorted(fake_slurm.queue) == ["1", "2"]
