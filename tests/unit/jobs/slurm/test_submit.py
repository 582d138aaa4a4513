"""Submission: all or nothing, once, and recorded, with stand-ins for Slurm's commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.errors import SubmissionError
from can_train.jobs.slurm import client
from can_train.jobs.slurm import submit as slurm
from can_train.jobs.slurm.arrays import SlurmRequest
from can_train.jobs.slurm.executor import SlurmExecutor
from can_train.jobs.slurm.record import SubmissionSettings, latest_runs, read_attempts
from can_train.jobs.slurm.submit import submit
from can_train.runs.job_views import WorkerJob
from can_train.runs.state import RunStatus, read_status, write_status
from tests.unit.jobs.fake_slurm import FakeSlurm
from tests.unit.jobs.slurm.requests_for_tests import handover, requests

DOWN = "Batch job submission failed: Unable to contact slurm controller (connect failure)"
NOT_YET = (
    "Job update not available right now, the DB index is being set, try again in a bit for job 1; "
    "slurm_suspend error: No error"
)
REFUSED = "Batch job submission failed: SlurmRequested reservation is invalid"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_S", (0.0,))


CHAIN = ((), (1,), (1, 2))


def test_jobs_are_held_and_released_together(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    plan = tmp_path / "plans" / "p"
    attempt = submit(handover(plan), requests(tmp_path, *CHAIN), SubmissionSettings())
    assert [run.job_id for run in attempt.runs] == ["1", "2", "3"]
    sbatch = [call for call in fake_slurm.calls if call.startswith("sbatch")]
    assert all(" --hold " in call for call in sbatch)
    assert "--dependency" not in sbatch[0]
    assert "--dependency=afterok:1 " in sbatch[1] and "--dependency=afterok:1:2 " in sbatch[2]
    assert fake_slurm.calls[-1] == "scontrol release 1,2,3"
    assert read_attempts(plan) == (attempt,)
    for number in (1, 2, 3):
        status = read_status(tmp_path / f"run{number}")
        assert status is not None
        assert (status.state, status.job and status.job.job_id) == ("pending", str(number))


def test_a_refusal_cancels_what_was_taken(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    fake_slurm.fails("sbatch", "ok", "ok", REFUSED)
    plan = tmp_path / "plans" / "p"
    with pytest.raises(SubmissionError) as caught:
        submit(handover(plan), requests(tmp_path, *CHAIN), SubmissionSettings())
    assert caught.value.exit_code == 4
    assert f"stage 3: sbatch: error: {REFUSED}" in str(caught.value)
    assert {text.partition("|")[2] for text in fake_slurm.queue.values()} == {"CANCELLED"}
    (attempt,) = read_attempts(plan)
    assert attempt.state == "cancelled" and REFUSED in attempt.message
    assert read_status(tmp_path / "run1") is None
    again = submit(handover(plan), requests(tmp_path, *CHAIN), SubmissionSettings())
    assert [a.state for a in read_attempts(plan)] == ["cancelled", "submitted"]
    assert latest_runs(read_attempts(plan))[1] == again.runs[0]


def test_a_refused_release_cancels_everything(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    fake_slurm.fails("scontrol", "Access/permission denied")
    with pytest.raises(SubmissionError, match="Access/permission denied"):
        submit(handover(tmp_path / "plans" / "p"), requests(tmp_path, (), ()), SubmissionSettings())
    assert {text.partition("|")[2] for text in fake_slurm.queue.values()} == {"CANCELLED"}


def test_a_release_that_comes_too_early_is_repeated(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    fake_slurm.fails("scontrol", NOT_YET, NOT_YET)
    attempt = submit(
        handover(tmp_path / "plans" / "p"), requests(tmp_path, ()), SubmissionSettings()
    )
    assert attempt.state == "submitted"
    assert fake_slurm.calls.count("scontrol release 1") == 3


def test_a_requeue_that_comes_too_early_is_repeated(
    fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    fake_slurm.fails("scontrol", NOT_YET)
    assert SlurmExecutor().requeue() == ""
    assert fake_slurm.calls.count("scontrol requeue 1") == 2
    fake_slurm.fails("scontrol", "Access/permission denied")
    assert "Access/permission denied" in SlurmExecutor().requeue()


def test_a_controller_that_is_away_is_waited_for(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    fake_slurm.fails("sbatch", DOWN, DOWN)
    fake_slurm.fails("squeue", "ok", "slurm_load_jobs error: Unable to contact slurm controller")
    attempt = submit(
        handover(tmp_path / "plans" / "p"), requests(tmp_path, ()), SubmissionSettings()
    )
    assert attempt.runs[0].job_id == "1"
    assert len(fake_slurm.queue) == 1


def test_a_lost_answer_is_looked_up_before_anything_is_repeated(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    fake_slurm.fails("sbatch", "late Socket timed out on send/recv operation")
    attempt = submit(
        handover(tmp_path / "plans" / "p"), requests(tmp_path, (), (1,)), SubmissionSettings()
    )
    assert [run.job_id for run in attempt.runs] == ["1", "2"]
    assert len([call for call in fake_slurm.calls if call.startswith("sbatch")]) == 2


def test_patience_ends(
    tmp_path: Path, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "PATIENCE_S", 0.5)
    fake_slurm.fails("sbatch", *[DOWN] * 200)
    with pytest.raises(SubmissionError, match="Unable to contact slurm controller"):
        submit(handover(tmp_path / "plans" / "p"), requests(tmp_path, ()), SubmissionSettings())


def test_runs_in_the_queue_are_not_submitted_again(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    plan = tmp_path / "plans" / "p"
    submit(handover(plan), requests(tmp_path, ()), SubmissionSettings())
    with pytest.raises(SubmissionError, match=r"in the queue already, as Slurm job 1 \(gat-run1\)"):
        submit(handover(plan), requests(tmp_path, ()), SubmissionSettings())
    assert len(fake_slurm.queue) == 1


def test_independent_runs_make_an_array(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    plan = tmp_path / "plans" / "p"
    asked = requests(tmp_path, (), (), (), (3,))
    attempt = submit(handover(plan), asked, SubmissionSettings(array_limit=2))
    assert [run.job_id for run in attempt.runs] == ["1_0", "1_1", "2", "3"]
    script = (plan / "array1" / "array.sh").read_text()
    assert "#SBATCH --array=0-1%2\n" in script
    link = tmp_path / "run2" / "slurm_logs" / "gat_1_1.err"
    assert link.readlink() == plan / "array1" / "array_1_1.err"
    status = read_status(tmp_path / "run2")
    assert status is not None and status.job == WorkerJob(executor="slurm", job_id="1_1")


def test_stages_that_run_already_are_waited_for(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    (request,) = requests(tmp_path, ())
    late = SlurmRequest(job=requests(tmp_path, (), (1,))[1].job, resources=request.resources)
    submit(handover(tmp_path / "plans" / "p"), [late], SubmissionSettings(), {1: "77"})
    (sbatch,) = [call for call in fake_slurm.calls if call.startswith("sbatch")]
    assert "--dependency=afterok:77 " in sbatch


def test_a_finished_run_that_is_only_evaluated_stays_finished(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    write_status(tmp_path / "run1", RunStatus(state="finished", epoch=3))
    submit(handover(tmp_path / "plans" / "p"), requests(tmp_path, ()), SubmissionSettings())
    status = read_status(tmp_path / "run1")
    assert status is not None
    assert (status.state, status.epoch, status.job and status.job.job_id) == ("finished", 3, "1")
