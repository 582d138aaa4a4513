"""Which runs make an array."""

from __future__ import annotations

from pathlib import Path

from can_train.config.schema import Resources
from can_train.jobs.slurm.batches import SlurmRequest, batches
from can_train.jobs.slurm.record import SubmissionSettings
from tests.unit.jobs.slurm.requests_for_tests import requests


def test_different_resources_make_different_arrays(tmp_path: Path) -> None:
    one, two, three = requests(tmp_path, (), (), ())
    three = SlurmRequest(job=three.job, resources=Resources(cpus=2))
    found = batches(tmp_path / "p", [one, two, three], SubmissionSettings(array_limit=1))
    assert [(batch.numbers, batch.is_array) for batch in found] == [((1, 2), True), ((3,), False)]
