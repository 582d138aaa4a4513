"""An executor that lives outside of the package: jobs one after the other, and a line for each.

`$TOY_WORKER` names the command that runs a frozen config; without it the real worker does.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from can_train.jobs.executor import Executor, ExecutorOption
from can_train.jobs.job import Handover, Job, JobResult
from can_train.runs.job_views import WorkerJob
from can_train.runs.state import read_status


class ToyExecutor(Executor):
    """Runs a plan here, as `toy` jobs that are called after their stages."""

    name = "toy"
    help = "one after the other"
    options = (ExecutorOption(name="toy_note", metavar="TEXT", help="stands in every line"),)

    def own_job(self) -> WorkerJob | None:
        job_id = os.environ.get("TOY_JOB")
        return None if job_id is None else WorkerJob(executor=self.name, job_id=job_id)

    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        return tuple(self._run(job, handover) for job in handover.jobs)

    def _run(self, job: Job, handover: Handover) -> JobResult:
        worker = os.environ.get("TOY_WORKER", f"{sys.executable} -P -m can_train run")
        command = [*shlex.split(worker), "--frozen-config", str(job.frozen)]
        environ = {**os.environ, "TOY_JOB": f"job{job.number}"}
        code = subprocess.run(command, env=environ, check=False).returncode
        with (handover.plan / "toy.log").open("a", encoding="utf-8") as log:
            log.write(f"{job.title}: {code} {self.given.get('toy_note', '')}".rstrip() + "\n")
        status = read_status(job.run_dir)
        done = code == 0 and status is not None and status.state == "finished"
        return JobResult(job=job, outcome="finished" if done else "failed", exit_code=code)


TOY = ToyExecutor()
