"""Which runs make an array."""

from __future__ import annotations

from pathlib import Path

from can_train.config.schema import Resources
from can_train.jobs.slurm.arrays import SlurmRequest
from can_train.jobs.slurm.batches import batches
from can_train.jobs.slurm.record import SubmissionSettings
from tests.unit.jobs.slurm.requests_for_tests import requests


def test_different_resources_make_different_arrays(tmp_path: Path) -> None:
    one, two, three = requests(tmp_path, (), (), ())
    three = SlurmRequest(job=three.job, resources=Resources(cpus=2))
    found = batches(tmp_path / "p", [one, two, three], SubmissionSettings(array_limit=1))
    assert [(batch.numbers, batch.is_array) for batch in found] == [((1, 2), True), ((3,), False)]


def test_arrays_wait_for_jobs_and_for_corresponding_tasks(tmp_path: Path) -> None:
    made = requests(tmp_path, (), (1,), (1,), (1, 2), (1, 3))
    first, second, third = batches(tmp_path / "p", made, SubmissionSettings(array_limit=2))
    assert not [word for word in first.command({}) if word.startswith("--dependency")]
    jobs = {1: "7", 2: "8_0", 3: "8_1"}
    assert "--dependency=afterok:7" in second.command(jobs)
    assert "--dependency=afterok:7,aftercorr:8" in third.command(jobs)
    assert "#SBATCH --array=0-1%2\n" in third.script
