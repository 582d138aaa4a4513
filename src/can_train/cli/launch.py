"""From arguments to a plan that runs: what `train` and `pipeline` share."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from can_train.cli.options import roots_of, typed_from
from can_train.errors import EXIT_INTERRUPTED, CanTrainError, ConfigError, each, raise_all

if TYPE_CHECKING:
    from can_train.jobs.executor import JobResult
    from can_train.pipeline.plan import Plan, PlannedStage


def launch(args: argparse.Namespace, *, one_stage: bool) -> int:
    """Plans, shows the plan and, without `--dry-run`, runs it here; gives the exit code."""
    from can_train.cli.submit import check_options, submit_plan

    check_options(args)
    dry = "dry_run" in args
    if "json" in args and not dry:
        raise ConfigError("--json: only a plan that isn't run is shown as JSON. Add --dry-run")
    plans = plans_of(args, one_stage=one_stage)
    if "submit" in args:
        return max(submit_plan(plan, args, one_stage=one_stage) for plan in plans)
    if dry:
        _show_dry(plans, as_json="json" in args)
        return 0
    (plan,) = plans
    show(plan)
    _warn_of_resources(plan)
    results = run_here(plan)
    code = exit_code(results)
    if one_stage or _was_stopped(results):
        return code
    ended = {result.job.number: result for result in results if result.ok}
    codes = [
        evaluate(plan, planned, ended[planned.stage.number])
        for planned in plan.terminal
        if planned.stage.number in ended
    ]
    return code or max(codes, default=0)


def plans_of(args: argparse.Namespace, *, one_stage: bool) -> list[Plan]:
    """The plan that was asked for, or, to be shown only, one per point of a grid.

    Raises:
        CanTrainError: What is wrong with any of them, each thing once.
    """
    from can_train.cli.submit import site_of
    from can_train.config.typed import expand
    from can_train.pipeline.plan import make_plan

    site = site_of(args)
    points = expand(typed_from(args, one_stage=one_stage))
    problems: dict[str, CanTrainError] = {}
    if len(points) > 1 and "dry_run" not in args:
        grid = ConfigError(
            f"--model-args, --slurm-args: the lists span a grid of {len(points)} plans, and "
            f"{args.command} runs one. Show them: the same with --dry-run; or give single values"
        )
        problems[str(grid)] = grid
    plans = []
    for point in points:
        try:
            plan = make_plan(
                point,
                roots_of(args),
                force="force" in args,
                register="no_register" not in args,
                site=site,
            )
            plans.append(plan)
        except CanTrainError as error:
            problems |= {str(problem): problem for problem in each(error)}
    raise_all(list(problems.values()))
    return plans


def _show_dry(plans: Sequence[Plan], *, as_json: bool) -> None:
    """A plan that isn't run, as text or as one JSON document."""
    from can_train.pipeline.record import plan_document

    if not as_json:
        for plan in plans:
            show(plan)
        return
    documents = [plan_document(plan) for plan in plans]
    document = documents[0] if len(documents) == 1 else {"plans": list(documents)}
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")


def show(plan: Plan) -> None:
    """Writes warnings to stderr and the plan to stdout."""
    from can_train.pipeline.record import describe

    for warning in plan.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    for line in describe(plan):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _warn_of_resources(plan: Plan) -> None:
    """Resources are for a cluster; a run on this machine takes what there is."""
    from can_train.config.fields import SETTINGS, option_of

    asked = {name for planned in plan.stages for name in planned.stage.settings}
    unused = [option_of(n) for n in SETTINGS if n in asked and SETTINGS[n].section == "resources"]
    if unused:
        sys.stderr.write(f"warning: {', '.join(unused)}: no effect without --submit\n")


def run_here(plan: Plan) -> tuple[JobResult, ...]:
    """Writes the plan and runs it on this machine."""
    from can_train.jobs.local import LocalExecutor
    from can_train.pipeline.plan import jobs_of
    from can_train.pipeline.record import write_plan

    write_plan(plan)
    results = LocalExecutor().execute(jobs_of(plan))
    for planned, result in zip(plan.stages, results, strict=True):
        if result.outcome == "reused":
            _register(planned)
    return results


def exit_code(results: Sequence[JobResult]) -> int:
    """0 if every stage has its artifact, else the code of the first one that failed."""
    failed = [result for result in results if not result.ok]
    return next((result.exit_code for result in failed if result.exit_code), 1) if failed else 0


def _was_stopped(results: Sequence[JobResult]) -> bool:
    """Whether the user stopped the plan; nothing more is started then."""
    return any(not r.ok and r.exit_code == EXIT_INTERRUPTED for r in results)


def evaluate(plan: Plan, planned: PlannedStage, result: JobResult) -> int:
    """Evaluates one run in a process of its own, and gives its exit code.

    The evaluation of a reused run is reused, too: the same artifact gives the same figures.
    """
    run = planned.frozen.run_dir
    if result.outcome == "reused" and (run / "evaluation.json").is_file():
        _show_evaluation(run / "evaluation.json")
        return 0
    roots = ("--data-root", str(plan.roots.data), "--experiment-root", str(plan.roots.experiments))
    command = (sys.executable, "-P", "-m", "can_train", "evaluate", str(run), *roots)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.stderr.write(
            f"evaluation of run {run.name} failed (exit code {code}). "
            f"Try again: can-train evaluate {run.name}\n"
        )
    return code if code >= 0 else 1


def _show_evaluation(path: Path) -> None:
    from can_train.evaluation.report import load_report
    from can_train.evaluation.table import print_report

    sys.stdout.write(f"reused: evaluation {path}\n")
    print_report(load_report(path), sys.stdout)


def _register(planned: PlannedStage) -> None:
    """Offers the teacher of a reused run to the registry of this call."""
    from can_train.teachers.policy import is_teacher, register_teacher

    if is_teacher(planned.config) and planned.frozen.teacher_root is not None:
        sys.stdout.write(f"{register_teacher(planned.frozen)}\n")
