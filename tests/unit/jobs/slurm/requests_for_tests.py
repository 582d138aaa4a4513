"""Runs to hand to Slurm."""

from __future__ import annotations

from pathlib import Path

from can_train.config.schema import Resources
from can_train.jobs.job import Handover, Job
from can_train.jobs.slurm.arrays import SlurmRequest


def handover(plan: Path) -> Handover:
    return Handover(plan=plan, experiment_root=plan.parent.parent, requests=())


def requests(root: Path, *needs: tuple[int, ...]) -> list[SlurmRequest]:
    found = []
    for number, depends_on in enumerate(needs, start=1):
        run = root / f"run{number}"
        frozen = run / "configs" / "frozen.json"
        job = Job(
            number=number, name="gat", title=f"stage {number}", run_dir=run, frozen=frozen,
            depends_on=depends_on,
        )  # fmt: skip
        found.append(SlurmRequest(job=job, resources=Resources(cpus=1)))
    return found
