"""What is missing of a plan becomes jobs; what was asked for before is asked for again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.schema import Resources
from can_train.errors import PreflightError
from can_train.jobs.job import Handover, Job, JobRequest, Needs
from can_train.jobs.slurm import handover
from can_train.jobs.slurm.handover import hand_over, scripts
from can_train.jobs.slurm.record import read_attempts
from can_train.runs.state import RunStatus, end_running, owned, start_running, write_status
from tests.unit.jobs.fake_slurm import FakeSlurm


@pytest.fixture(autouse=True)
def no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CAN_TRAIN_SITE", raising=False)


def plan_of(root: Path, *needs: tuple[int, ...]) -> Handover:
    asked = []
    for number, depends_on in enumerate(needs, start=1):
        run = root / f"run{number}"
        job = Job(number=number, name="gat", title=f"stage {number}", run_dir=run,
                  frozen=run / "configs" / "frozen.json", depends_on=depends_on)  # fmt: skip
        wanted = Needs(number=number, title=job.title, model="gat", model_size="student",
                       resources=Resources(walltime="1:00:00"))  # fmt: skip
        asked.append(JobRequest(job=job, needs=wanted))
    plan = root / "plans" / "p"
    return Handover(plan=plan, experiment_root=root, requests=tuple(asked))


def outcomes(plan: Handover) -> list[str]:
    return [result.outcome for result in hand_over(plan, {})]


def test_finished_runs_are_not_submitted_and_not_waited_for(
    tmp_path: Path, fake_slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(tmp_path, (), (1,), (1, 2))
    end_running(tmp_path / "run1", "finished", exit_code=0)
    assert outcomes(plan) == ["reused", "submitted", "submitted"]
    first, second = (call for call in fake_slurm.calls if call.startswith("sbatch"))
    assert "--dependency" not in first
    assert "--dependency=afterok:1 " in second
    out = capsys.readouterr().out
    assert "submitted: stage 2, run run2, Slurm job 1, log " in out


def test_a_plan_with_nothing_missing_says_so(
    tmp_path: Path, fake_slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(tmp_path, ())
    write_status(tmp_path / "run1", RunStatus(state="finished"))
    assert outcomes(plan) == ["reused"]
    assert "nothing to submit: no run of this plan is missing" in capsys.readouterr().out
    assert not [call for call in fake_slurm.calls if call.startswith("sbatch")]


def test_a_job_that_still_clears_up_is_waited_for(
    tmp_path: Path,
    fake_slurm: FakeSlurm,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of(tmp_path, ())
    assert outcomes(plan) == ["submitted"]
    (fake_slurm.bin / "squeue").write_text(
        f"""#!/bin/bash
        [[ " $* " = *" -n "* ]] && exit
        [[ -e {tmp_path}/cleared ]] && state=CANCELLED || state=COMPLETING
        [[ -e {tmp_path}/asked ]] && touch {tmp_path}/cleared
        touch {tmp_path}/asked
        echo "1|$state|0|0:01|node1|None|"
        """
    )
    with monkeypatch.context() as hurried:
        hurried.setattr(handover, "CLEARING_S", -1.0)
        with pytest.raises(PreflightError, match="still clears away its last job 1. Give the same"):
            outcomes(plan)
    assert outcomes(plan) == ["submitted"]
    said = "waiting until Slurm has cleared away the last job of stage 1\n"
    assert capsys.readouterr().err == said


def test_a_run_that_is_worked_on_here_is_refused(tmp_path: Path, fake_slurm: FakeSlurm) -> None:
    plan = plan_of(tmp_path, ())
    run = tmp_path / "run1"
    with owned(run):
        start_running(run)
        with pytest.raises(PreflightError, match="stage 1 is running on this machine. Wait"):
            outcomes(plan)


def test_a_preview_shows_the_scripts_and_submits_nothing(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    shown = list(scripts(plan_of(tmp_path, (), (1,)), {"max_requeues": 7}))
    assert len(shown) == 2
    assert "'--dependency=afterok:<job of stage 1>'" in shown[1]
    assert all("#SBATCH --time=1:00:00\n" in text for text in shown)
    assert all(" --max-requeues 7 " in text for text in shown)
    assert not [call for call in fake_slurm.calls if call.startswith("sbatch")]


def test_a_resumed_plan_asks_for_what_it_asked_for_before(
    tmp_path: Path, fake_slurm: FakeSlurm
) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[environment]\nsetup = ["module load x"]\n[defaults]\naccount = "lab"\n')
    plan = plan_of(tmp_path, ())
    hand_over(plan, {"site": str(site), "max_requeues": 4})
    end_running(tmp_path / "run1", "failed", exit_code=1)
    site.unlink()
    fake_slurm.answers("squeue", "")
    hand_over(replace(plan, resumed=True), {})
    before, again = read_attempts(plan.plan)
    assert again.settings == before.settings
    assert again.settings.setup == ("module load x",) and again.settings.max_requeues == 4
    assert again.runs[0].resources == before.runs[0].resources
    assert again.runs[0].resources.account == "lab"


def test_what_trains_in_one_process_asks_for_one_node(
    tmp_path: Path, fake_slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of(tmp_path, (), (1,))
    wide = Resources(nodes=2, gpus=4)
    models = ("gat", "dqn")
    requests = tuple(
        replace(request, needs=replace(request.needs, model=model, resources=wide))
        for request, model in zip(plan.requests, models, strict=True)
    )
    assert outcomes(replace(plan, requests=requests)) == ["submitted", "submitted"]
    asked = [run.resources for run in read_attempts(plan.plan)[-1].runs]
    assert [(a.nodes, a.gpus) for a in asked] == [(2, 4), (1, 1)]
    said = capsys.readouterr().err
    assert said == (
        "stage 2: a dqn trains in one process, so its job asks for one node and one GPU at most\n"
    )
