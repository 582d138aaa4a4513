"""What a sweep cost, from the records of its runs."""

from __future__ import annotations

import pytest

from can_train.config.run_log import append_event
from can_train.config.schema import Resources
from can_train.jobs.slurm.record import Attempt, SubmissionSettings, SubmittedRun, write_attempts
from can_train.pipeline.record import write_plan
from can_train.runs.events import EnergyUsed
from can_train.runs.layout import Roots, plan_dir
from can_train.runs.state import RunStatus, write_status
from can_train.sweeps.bill import bill_of
from can_train.sweeps.manifest import write_manifest
from can_train.sweeps.standing import sweep_board
from tests.unit.sweeps.conftest import MakeSweep


def test_hours_count_threads_and_gpus(sweep_of: MakeSweep, roots: Roots) -> None:
    sweep = sweep_of("seed=1,2,3", model="gat", threads="2", one_stage=True)
    write_manifest(roots.experiments, sweep.manifest)
    write_plan(sweep.plan)
    first, second, _ = (planned.frozen.run_dir for planned in sweep.plan.stages)
    write_status(first, RunStatus(state="finished", started_at=100.0, ended_at=3700.0))
    write_status(second, RunStatus(state="failed", started_at=100.0, ended_at=1900.0))
    plan = plan_dir(roots.experiments, sweep.plan.plan_id)
    run = SubmittedRun(
        number=1, run_dir=str(first.relative_to(roots.experiments)), job_name="gat", job_id="7",
        resources=Resources(gpus=2, nodes=2),
    )  # fmt: skip
    settings = SubmissionSettings()
    write_attempts(plan, (Attempt(state="submitted", runs=(run,), settings=settings),))
    bill = bill_of(sweep_board(roots.experiments, sweep.manifest).board.rows, plan)
    assert bill.runs == 2
    assert [bill.hours, bill.cpu_hours] == pytest.approx([1.5, 3.0])
    assert bill.gpu_hours == pytest.approx(4.0)
    assert bill.words == (
        "the bill: 2 runs, 3.00 CPU-hours, 4.00 GPU-hours, energy n/a (1.50 hours of work)"
    )
    for folder, used in ((first, (1800.0, None)), (first, (None, 1800.0)), (second, (3600.0, 0.0))):
        append_event(folder, EnergyUsed(cpu_kj=used[0], gpu_kj=used[1]))
    bill = bill_of(sweep_board(roots.experiments, sweep.manifest).board.rows, plan)
    assert bill.energy_kwh == pytest.approx(2.0) and ", energy 2 kWh (" in bill.words
