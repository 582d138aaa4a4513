"""The executor of a Slurm cluster; everything that costs something is imported when it's used."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.errors import ConfigError, PreflightError, SubmissionError
from can_train.jobs.executor import Executor, ExecutorOption
from can_train.runs.layout import submission_path

if TYPE_CHECKING:
    from can_train.jobs.job import Handover, Job, JobResult, Needs
    from can_train.runs.job_views import JobsView, WorkerJob

REQUEUE_PATIENCE_S: Final = 20.0
"""How long a job asks to go back into the queue: some 30 s are left when its time limit warns."""


class SlurmExecutor(Executor):
    """Submits one job per stage, which wait for each other."""

    name = "slurm"
    help = "hand the stages to Slurm, as jobs that wait for each other"
    flag = "--submit"
    options = (
        ExecutorOption(
            name="site",
            metavar="FILE",
            help="site profile (default: $CAN_TRAIN_SITE, else ~/.config/can-train/site.toml)",
        ),
        ExecutorOption(
            name="max_requeues",
            metavar="N",
            least=0,
            help="how often a Slurm job may be started again (default: 5)",
        ),
        ExecutorOption(
            name="array_limit",
            metavar="N",
            least=1,
            help="submit independent stages as one job array, at most N of them at a time",
        ),
    )
    waits = False
    takes_resources = True

    def own_job(self) -> WorkerJob | None:
        """The job that this process belongs to; None outside of jobs."""
        job = os.environ.get("SLURM_JOB_ID")
        if not job:
            return None
        from can_train.runs.job_views import WorkerJob

        array = os.environ.get("SLURM_ARRAY_JOB_ID")
        task = os.environ.get("SLURM_ARRAY_TASK_ID")
        restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))  # unset in the first attempt
        job_id = f"{array}_{task}" if array and task else job
        return WorkerJob(executor=self.name, job_id=job_id, restarts=restarts)

    def node(self) -> str:
        """Slurm's name of this node, which needn't be that of the host."""
        return os.environ.get("SLURMD_NODENAME") or super().node()

    def view(self, job_ids: Sequence[str]) -> JobsView:
        """What the queue and the accounting say about `job_ids`."""
        from can_train.jobs.slurm.client import answers_about
        from can_train.jobs.slurm.state import SlurmView

        return SlurmView(answers_about(job_ids))

    def check(self) -> None:
        """Reads the site profile.

        Raises:
            ConfigError: It can't be read, or holds what isn't allowed.
        """
        from can_train.jobs.slurm.site import load_site

        load_site(self._site)

    def check_here(self) -> None:
        """Looks whether this is a login node.

        Raises:
            PreflightError: It is.
        """
        import shutil

        from can_train.jobs.slurm.client import call
        from can_train.jobs.slurm.site import load_site

        site = load_site()
        if not site.login_node or self.own_job() is not None or shutil.which("scontrol") is None:
            return
        if call(["scontrol", "ping"]).returncode == 0:
            raise PreflightError(
                f"this is a login node (login_node in {site.path}): say where to train. "
                "Use --submit for Slurm jobs, --local for this machine, or --smoke for a short "
                "trial"
            )

    def malformed(self, needs: Sequence[Needs]) -> Iterator[ConfigError]:
        """Walltimes and amounts of memory that Slurm wouldn't read, or that can't be meant."""
        from can_train.jobs.slurm.limits import malformed

        return malformed(needs)

    def unknown(self, needs: Sequence[Needs]) -> Iterator[PreflightError]:
        """Partitions and accounts that the cluster doesn't know."""
        from dataclasses import replace

        from can_train.jobs.slurm.cluster import unknown_words
        from can_train.jobs.slurm.site import load_site, resources_for

        site = load_site(self._site)
        return unknown_words([replace(n, resources=resources_for(site, n)) for n in needs])

    def preview(self, handover: Handover) -> Iterator[str]:
        """The calls of sbatch and, byte for byte, the scripts that Slurm would get."""
        from can_train.jobs.slurm.handover import scripts

        return scripts(handover, self.given)

    def execute(self, handover: Handover) -> tuple[JobResult, ...]:
        """Submits the runs that are missing: all of them or none.

        Raises:
            PreflightError: One of the runs is being worked on by a process on this machine.
            SubmissionError: Slurm refused a job, or didn't answer.
        """
        from can_train.jobs.slurm.handover import hand_over

        return hand_over(handover, self.given)

    def has_record(self, plan: Path) -> bool:
        """Whether the plan was submitted before."""
        return submission_path(plan).is_file()

    def gpus(self, plan: Path) -> Mapping[str, int]:
        """GPUs that were asked for, on all nodes of a job together."""
        from can_train.jobs.slurm.record import latest_runs, read_attempts

        runs = latest_runs(read_attempts(plan)).values()
        asked = {Path(run.run_dir).name: run.resources for run in runs}
        return {name: (a.gpus or 0) * (a.nodes or 1) for name, a in asked.items()}

    def cancel(self, claimed: Mapping[str, Job], plan: Path | None) -> Iterator[str]:
        """Ends jobs; those of a submission that was killed halfway are found by its record."""
        from can_train.jobs.slurm.cancel import cancel_jobs

        return cancel_jobs(claimed, plan)

    def requeue(self) -> str:
        """Puts the job of this process back into the queue."""
        from can_train.jobs.slurm.client import call_until_answered

        command = ["scontrol", "requeue", os.environ["SLURM_JOB_ID"]]
        try:
            call_until_answered(command, patience_s=REQUEUE_PATIENCE_S)
        except SubmissionError as error:
            return str(error)
        return ""

    def facts(self) -> Mapping[str, str | None]:
        """Version and partitions."""
        from can_train.jobs.slurm.cluster import facts

        return facts()

    def lacking(self, facts: Mapping[str, str | None]) -> str:
        """Slurm itself, or an answer of it."""
        if facts["version"] is None:
            return "Slurm (sinfo isn't in PATH); runs stay on this machine"
        if facts["partitions"] is None:
            return "an answer of Slurm's controller (sinfo failed). Ask: scontrol ping"
        return ""

    @property
    def _site(self) -> str | None:
        return str(self.given["site"]) if "site" in self.given else None


SLURM: Final = SlurmExecutor()
