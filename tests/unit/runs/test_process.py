"""Processes in files: those of this version, of earlier ones, and damaged ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.errors import ArtifactError
from can_train.runs.job_views import WorkerJob
from can_train.runs.layout import owner_path, status_path
from can_train.runs.process import process_document, process_from, this_process
from can_train.runs.state import RunStatus, read_owner, read_status, write_status

JOB = WorkerJob(executor="slurm", job_id="12_3", restarts=2)
OLD = {"host": "node1", "boot_id": "b", "pid": 7, "start_ticks": 1}


@pytest.mark.parametrize("job", [None, JOB])
def test_a_process_comes_back_as_it_was(tmp_path: Path, job: WorkerJob | None) -> None:
    process = replace(this_process(), job=job)
    assert process_from(process_document(process), tmp_path) == process
    write_status(tmp_path, RunStatus(state="running", process=process))
    status = read_status(tmp_path)
    assert status is not None and status.process == process


def test_files_of_earlier_versions_load(tmp_path: Path) -> None:
    written = {"state": "running", "process": {**OLD, "slurm_job": "12_3", "restarts": 2}}
    status_path(tmp_path).write_text(json.dumps(written))
    status = read_status(tmp_path)
    assert status is not None and status.job == JOB
    assert str(status.process) == "Slurm job 12_3"
    owner_path(tmp_path).write_text(json.dumps({**OLD, "slurm_job": None, "restarts": 0}))
    owner = read_owner(tmp_path)
    assert owner is not None and (owner.pid, owner.job) == (7, None)


def test_earlier_versions_read_what_is_written() -> None:
    """They knew these keys, and that the last two may be missing."""
    known = {*OLD, "slurm_job", "restarts"}
    assert set(process_document(replace(this_process(), job=JOB))) == known
    assert set(process_document(replace(this_process(), job=None))) == set(OLD)


@pytest.mark.parametrize("wrong", [[], {}, {**OLD, "pid": "7"}, {**OLD, "slurm_job": 5}])
def test_a_damaged_process_is_an_error_that_names_the_file(tmp_path: Path, wrong: object) -> None:
    owner_path(tmp_path).write_text(json.dumps(wrong))
    with pytest.raises(ArtifactError, match=r"owner\.json: "):
        read_owner(tmp_path)
