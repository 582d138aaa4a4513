"""From a plan to Slurm jobs: what `train`, `pipeline` and `resume` share."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from can_train.errors import ConfigError, PreflightError
from can_train.runs.layout import Roots, plan_dir, root_options, roots_from, stage_logs

if TYPE_CHECKING:
    from can_train.config.schema import Resources
    from can_train.jobs.slurm.batches import Request
    from can_train.jobs.slurm.record import Settings
    from can_train.jobs.slurm.site import Site
    from can_train.pipeline.plan import Plan, PlannedStage

ONLY_WITH_SUBMIT: Final = ("site", "max_requeues", "array_limit")


def check_options(args: argparse.Namespace) -> None:
    """Refuses options that would do nothing, and training on a login node that nobody meant.

    Raises:
        ConfigError: An option needs `--submit`, or stands beside one that excludes it.
        PreflightError: This is a login node, and nothing says where to train.
    """
    if "submit" in args:
        if "local" in args:
            raise ConfigError("--submit, --local: a plan runs in one place. Use one of them")
        if "json" in args:
            raise ConfigError("--submit, --json: scripts are shown as text. Use one of them")
        return
    for name in ONLY_WITH_SUBMIT:
        if name in args:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option}: has no effect without --submit. Use: --submit {option}")
    if not {"local", "smoke", "dry_run"} & set(vars(args)):
        _check_login_node()


def _check_login_node() -> None:
    from can_train.jobs.slurm.client import call
    from can_train.jobs.slurm.jobs import own_job
    from can_train.jobs.slurm.site import load_site

    site = load_site()
    if not site.login_node or own_job() is not None or shutil.which("scontrol") is None:
        return
    if call(["scontrol", "ping"]).returncode == 0:
        raise PreflightError(
            f"this is a login node (login_node in {site.path}): say where to train. "
            "Use --submit for Slurm jobs, --local for this machine, or --smoke for a short trial"
        )


def site_of(args: argparse.Namespace) -> Site | None:
    """The profile of the cluster that a plan is for; None if it runs on this machine."""
    from can_train.jobs.slurm.site import load_site

    return load_site(vars(args).get("site")) if "submit" in args else None


def submit_plan(plan: Plan, args: argparse.Namespace, *, one_stage: bool) -> int:
    """Submits the runs of `plan` that haven't finished; with `--dry-run` shows their scripts."""
    from can_train.cli.launch import show
    from can_train.jobs.slurm.site import load_site
    from can_train.pipeline.record import write_plan

    show(plan)
    site = load_site(vars(args).get("site"))
    settings = settings_from(args, site)
    requests = _requests(plan, site, one_stage=one_stage)
    folder = plan_dir(plan.roots.experiments, plan.plan_id)
    if "dry_run" in args:
        show_scripts(folder, requests, settings)
        return 0
    write_plan(plan)
    return submit_requests(folder, requests, settings, plan.roots)


def settings_from(args: argparse.Namespace, site: Site) -> Settings:
    """What holds for all jobs, from the options and the site profile."""
    from can_train.jobs.slurm.record import Settings

    given = {name: vars(args)[name] for name in ("max_requeues", "array_limit") if name in args}
    return replace(Settings(setup=site.setup), **given)


def submit_requests(
    folder: Path,
    requests: Sequence[Request],
    settings: Settings,
    roots: Roots,
    running: Mapping[int, str] = MappingProxyType({}),
) -> int:
    """Submits `requests`, tells the number of each job, and gives the exit code.

    Args:
        folder: Folder of the plan.
        requests: What is submitted.
        settings: What holds for all of it.
        roots: Where everything lies.
        running: Slurm jobs of stages of the plan that wait or work already.
    """
    from can_train.jobs.slurm.submit import submit

    if not requests:
        sys.stdout.write("nothing to submit: no run of this plan is missing\n")
        return 0
    attempt = submit(folder, requests, settings, roots.experiments, running)
    jobs = {run.number: run.job_id for run in attempt.runs}
    for request in requests:
        job, number = request.job, jobs[request.job.number]
        _, log = stage_logs(job.run_dir, job.name, str(number))
        sys.stdout.write(
            f"submitted: {job.title}, run {job.run_dir.name}, Slurm job {number}, log {log}\n"
        )
    usual = roots_from()
    options = root_options(replace(roots, data=usual.data, teachers=usual.teachers))
    sys.stdout.write(f"look at it: can-train status {folder.name}{options}\n")
    return 0


def show_scripts(folder: Path, requests: Sequence[Request], settings: Settings) -> None:
    """Writes the calls of sbatch and, byte for byte, the scripts that Slurm would get."""
    from can_train.jobs.slurm.batches import batches

    submitted = {request.job.number for request in requests}
    for batch in batches(folder, requests, settings):
        needed = {n for request in batch.requests for n in request.job.depends_on}
        after = [f"<job of stage {n}>" for n in sorted(needed & submitted)]
        call = " ".join(shlex.quote(word) for word in batch.command(after))
        sys.stdout.write(f"\n{batch.title}: {call}\n{batch.script}")


def _requests(plan: Plan, site: Site, *, one_stage: bool) -> list[Request]:
    from can_train.jobs.slurm.batches import Request
    from can_train.pipeline.plan import jobs_of

    terminal = set() if one_stage else {planned.stage.number for planned in plan.terminal}
    requests = [
        Request(job=job, resources=_resources(planned, site), evaluate=job.number in terminal)
        for planned, job in zip(plan.stages, jobs_of(plan), strict=True)
    ]
    return [request for request in requests if _is_missing(request)]


def _is_missing(request: Request) -> bool:
    """Whether the run hasn't finished, or wasn't evaluated as it should be."""
    from can_train.runs.state import current_status

    status = current_status(request.job.run_dir)
    if status is None or status.state != "finished":
        return True
    return request.evaluate and not (request.job.run_dir / "evaluation.json").is_file()


def _resources(planned: PlannedStage, site: Site) -> Resources:
    from can_train.pipeline.plan import stage_resources

    asked = stage_resources(site, planned.stage)
    return replace(asked, cpus=asked.cpus or planned.config.training.threads)
