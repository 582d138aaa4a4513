"""`can-train resume`: run again what failed or never ran, and keep what finished."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from can_train.cli.options import add_root_options, add_slurm_options, roots_of
from can_train.cli.submit import check_options, submit_requests
from can_train.config.codec import from_text, hints_of, unwrap
from can_train.config.fields import option_of
from can_train.config.schema import Resources
from can_train.errors import ConfigError, PreflightError, raise_all
from can_train.runs.layout import Roots

if TYPE_CHECKING:
    from can_train.jobs.board import Row
    from can_train.jobs.executor import Job
    from can_train.jobs.slurm.batches import Request
    from can_train.jobs.slurm.record import Attempt, Settings
    from can_train.pipeline.stored import StoredPlan, StoredStage

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `resume`."""
    parser = subparsers.add_parser(
        "resume",
        help="run again what failed or never ran in a plan",
        description=(
            "Run again what failed or never ran in a plan, where it ran before: on Slurm or here. "
            "Finished runs are kept, interrupted ones go on where they stopped."
        ),
        epilog="example: can-train resume 0123456789ab --memory 16G",
    )
    parser.add_argument("name", metavar="PLAN", help="id, beginning of an id, or folder of a plan")
    for flag, text in (("--local", "run it here"), ("--submit", "hand it to Slurm")):
        parser.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
    group = parser.add_argument_group("what its Slurm jobs ask for, if not the same as before")
    for item in fields(Resources):
        param = unwrap(hints_of(Resources)[item.name])[1]
        text = "" if param is None else param.help
        group.add_argument(
            option_of(item.name), metavar="VALUE", default=argparse.SUPPRESS, help=text
        )
    add_slurm_options(group)
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Runs or submits what is missing; the exit code of that, 0 if nothing is.

    Raises:
        PreflightError: There is no such plan.
    """
    from can_train.jobs.slurm.record import read_attempts
    from can_train.pipeline.stored import load_plan
    from can_train.runs.find import find_plan

    roots = roots_of(args)
    plan = load_plan(roots.experiments, find_plan(roots.experiments, args.name))
    attempts = read_attempts(plan.folder)
    if attempts and "local" not in args:
        args.submit = True  # where it ran before
    check_options(args)
    _check_resources(args)
    if "submit" in args:
        return _submit(plan, attempts, args, roots)
    return _run_here(plan, roots)


def _run_here(plan: StoredPlan, roots: Roots) -> int:
    from can_train.cli.launch import exit_code
    from can_train.jobs.local import LocalExecutor

    results = LocalExecutor().execute([stage.job for stage in plan.stages])
    code = exit_code(results)
    if code or len(plan.stages) == 1:
        return code
    codes = [_evaluate(stage.job, roots) for stage in plan.terminal]
    return max(codes, default=0)


def _evaluate(job: Job, roots: Roots) -> int:
    if (job.run_dir / "evaluation.json").is_file():
        return 0
    command = [sys.executable, "-P", "-m", "can_train", "evaluate", str(job.run_dir)]
    command += ["--experiment-root", str(roots.experiments)]
    return abs(subprocess.run(command, check=False).returncode)


def _submit(
    plan: StoredPlan, attempts: tuple[Attempt, ...], args: argparse.Namespace, roots: Roots
) -> int:
    from can_train.jobs.board import board_of

    rows = {row.job.number: row for row in board_of([s.job for s in plan.stages]).rows}
    raise_all([_works_here(row) for row in rows.values() if row.is_active and not row.slurm_job])
    missing = []
    for stage in plan.stages:
        row = rows[stage.job.number]
        if row.is_active or row.state == "finished":
            sys.stdout.write(f"kept: {stage.job.title}: {row.state}\n")
        else:
            missing.append(stage)
    running = {n: str(row.slurm_job) for n, row in rows.items() if row.is_active}
    requests = [_request(plan, stage, attempts, args) for stage in missing]
    settings = _settings(attempts, args)
    return submit_requests(plan.folder, requests, settings, roots, running)


def _request(
    plan: StoredPlan, stage: StoredStage, attempts: tuple[Attempt, ...], args: argparse.Namespace
) -> Request:
    from can_train.config.frozen import load_frozen
    from can_train.jobs.slurm.batches import Request
    from can_train.jobs.slurm.record import latest_runs
    from can_train.jobs.slurm.site import load_site, merged, resources_for

    given = _given_resources(args)
    before = latest_runs(attempts).get(stage.job.number)
    if before is not None and "site" not in args:
        resources, evaluate = merged((given, before.resources)), before.evaluate
    else:
        site = load_site(vars(args).get("site"))
        resources = resources_for(site, stage.job.name, stage.model_size, given)
        evaluate = stage in plan.terminal and len(plan.stages) > 1
    cpus = resources.cpus or load_frozen(stage.job.frozen).config.training.threads
    return Request(job=stage.job, resources=replace(resources, cpus=cpus), evaluate=evaluate)


def _settings(attempts: tuple[Attempt, ...], args: argparse.Namespace) -> Settings:
    from can_train.cli.submit import settings_from
    from can_train.jobs.slurm.site import load_site

    if not attempts or "site" in args:
        return settings_from(args, load_site(vars(args).get("site")))
    given = {name: vars(args)[name] for name in ("max_requeues", "array_limit") if name in args}
    return replace(attempts[-1].settings, **given)


def _given_resources(args: argparse.Namespace) -> Resources:
    """Resources that were typed.

    Raises:
        ConfigError: A value isn't allowed.
    """
    given: dict[str, Any] = {
        item.name: from_text(
            hints_of(Resources)[item.name], vars(args)[item.name], f"resume.{item.name}"
        )
        for item in fields(Resources)
        if item.name in args
    }
    return Resources(**given)


def _check_resources(args: argparse.Namespace) -> None:
    _given_resources(args)
    if "submit" not in args:
        for item in fields(Resources):
            if item.name in args:
                raise ConfigError(
                    f"{option_of(item.name)}: has no effect here: the plan ran on this machine. "
                    f"Use: --submit {option_of(item.name)}"
                )


def _works_here(row: Row) -> PreflightError:
    return PreflightError(
        f"{row.job.title} is {row.state} on this machine. Wait for it, or end it: "
        f"can-train cancel {row.job.run_dir.name}"
    )
