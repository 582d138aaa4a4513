"""Starts a sweep, goes on with one, or ends it: what the commands of `sweep` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.cli.evaluation_process import (
    exit_code_of,
    given_data_root,
    is_evaluated,
    start_evaluation,
)
from can_train.cli.launch import execute, exit_code, warn_of_resources, was_stopped
from can_train.cli.options import roots_of, typed_from
from can_train.cli.place import chosen_executor
from can_train.cli.sweep_search import resume_search, start_search
from can_train.errors import EXIT_INTERRUPTED, CanTrainError, ConfigError, PreflightError
from can_train.runs.layout import is_plan, is_sweep, manifest_path, plan_dir, sweep_dir
from can_train.runs.typed_command import typed_command
from can_train.sweeps.axes import parse_axis
from can_train.sweeps.grid import Grid, read_grid, spanned
from can_train.sweeps.make import Order, Sweep, check_reproduced, make_sweep, order_of
from can_train.sweeps.manifest import (
    Manifest,
    SweepState,
    manifest_document,
    manifest_of,
    mark,
    read_manifest,
    write_manifest,
)
from can_train.sweeps.space import refuse_ranges

if TYPE_CHECKING:
    from can_train.jobs.executor import Executor
    from can_train.jobs.job import Handover, JobResult
    from can_train.runs.layout import Roots
    from can_train.sweeps.standing import SweepBoard

RETRIED: Final = ("failed", "blocked")
"""States of runs that `retry-failed` runs again; what never started isn't among them."""


def launch_sweep(args: argparse.Namespace) -> int:
    """Plans every combination, shows the sweep and, without `--dry-run`, runs it."""
    grid = read_grid(args.grid_file) if "grid_file" in args else Grid()
    return start_grid(args, grid, one_stage=args.sweep_command == "train")


def start_grid(args: argparse.Namespace, grid: Grid, *, one_stage: bool) -> int:
    """The same for a grid that was read; gives the exit code."""
    executor = _executor(args)
    if "search" in args:
        return start_search(args, grid, executor, one_stage)
    if "trials" in args:
        raise ConfigError("--trials: has no effect without --search. Use: --search tpe")
    refuse_ranges(vars(args).get("grid", ()))
    axes = [parse_axis(text) for text in vars(args).get("grid", ())]
    typed = typed_from(args, one_stage=one_stage)
    order = Order(
        parts=spanned(typed, axes, grid),
        name=vars(args).get("name", grid.name),
        command=typed_command() or "",
        one_stage=one_stage,
        register="no_register" not in args,
    )
    return _start(args, make_sweep(order, roots_of(args), executor), executor)


def reproduce_sweep(args: argparse.Namespace) -> int:
    """Makes a sweep again from its manifest, which may be a copy; gives the exit code.

    Raises:
        PreflightError: It wouldn't be the same runs.
    """
    executor = _executor(args)
    roots = roots_of(args)
    manifest = read_manifest(_manifest_file(roots, args.manifest))
    sweep = make_sweep(order_of(manifest), roots, executor)
    check_reproduced(manifest, sweep)
    return _start(args, sweep, executor)


def resume_sweep(args: argparse.Namespace) -> int:
    """Runs what is missing in a sweep, or what failed; gives the exit code."""
    from can_train.cli.commands.resume import executor_again, given_resources
    from can_train.pipeline.again import handover_again, only
    from can_train.pipeline.stored import load_plan
    from can_train.sweeps.standing import numbers_in, sweep_board

    roots = roots_of(args)
    manifest = _found(roots, args.name)
    folder = plan_dir(roots.experiments, manifest.sweep_id)
    if manifest.search is not None and args.sweep_command == "resume":
        return resume_search(args, manifest, executor_again(args, folder))
    if not is_plan(folder):  # killed between the manifest and the plan
        executor = chosen_executor(args)
        return _start(args, make_sweep(order_of(manifest), roots, executor), executor)
    plan = load_plan(roots.experiments, folder)
    executor = executor_again(args, folder)
    resources = given_resources(args, executor)
    evaluated = manifest.evaluated(roots.experiments, [stage.job for stage in plan.stages])
    handover = handover_again(plan, roots.experiments, evaluated, resources)
    if args.sweep_command == "retry-failed":
        failed = numbers_in(sweep_board(roots.experiments, manifest), RETRIED)
        if not failed:
            sys.stdout.write("nothing to retry: no run of this sweep failed\n")
            return 0
        handover = only(handover, failed)
    mark(roots.experiments, manifest, _under_way(executor))
    try:
        results = executor.execute(handover)
    except CanTrainError:
        mark(roots.experiments, manifest, manifest.state)
        raise
    return _conclude(args, manifest, executor, handover, results)


def cancel_sweep(args: argparse.Namespace) -> int:
    """Ends what works on a sweep, and tells what; 0 also when nothing was left."""
    from can_train.jobs.cancel import cancel
    from can_train.sweeps.standing import stages_of_sweep

    roots = roots_of(args)
    manifest = _found(roots, args.name)
    jobs = [stage.job for stage in stages_of_sweep(roots.experiments, manifest)]
    lines = list(cancel(jobs, plan_dir(roots.experiments, manifest.sweep_id)))
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "nothing works on it\n")
    if lines:
        mark(roots.experiments, manifest, "cancelled")
    return 0


def _executor(args: argparse.Namespace) -> Executor:
    """The executor that was chosen, after a look at its options.

    Raises:
        ConfigError: An option has no effect.
    """
    executor = chosen_executor(args)
    if "json" in args and "dry_run" not in args:
        raise ConfigError("--json: only a sweep that isn't run is shown as JSON. Add --dry-run")
    executor.check()
    return executor


def _start(args: argparse.Namespace, sweep: Sweep, executor: Executor) -> int:
    from can_train.cli.sweep_views import show_as_json, show_plan

    if "json" in args:
        show_as_json(manifest_document(sweep.manifest))
        return 0
    show_plan(sweep, whole="dry_run" in args)
    if "dry_run" in args:
        sys.stdout.writelines(executor.preview(sweep.handover))
        return 0
    warn_of_resources(sweep.plan, executor)
    root = sweep.plan.roots.experiments
    write_manifest(root, sweep.manifest)
    mark(root, sweep.manifest, _under_way(executor))
    handover = sweep.handover
    try:
        results = execute(sweep.plan, handover, executor)
    except CanTrainError:
        if is_sweep(sweep_dir(root, sweep.manifest.sweep_id)):  # it stays with runs that stay
            mark(root, sweep.manifest, "failed")
        raise
    return _conclude(args, sweep.manifest, executor, handover, results)


def _conclude(
    args: argparse.Namespace,
    manifest: Manifest,
    executor: Executor,
    handover: Handover,
    results: Sequence[JobResult],
) -> int:
    """Evaluates what is to be evaluated, records how the sweep stands, and says what to type."""
    from can_train.cli.sweep_views import write_sweep_ending
    from can_train.sweeps.standing import sweep_board

    root = handover.experiment_root
    code = exit_code(results)
    evaluation = EXIT_INTERRUPTED
    try:
        wanted = {request.job.number for request in handover.requests if request.evaluate}
        done = [r.job.run_dir for r in results if r.ok and r.job.number in wanted]
        if executor.waits and not was_stopped(results):
            evaluation = evaluate_all(done, given_data_root(args))
        else:
            evaluation = 0
    finally:  # Ctrl-C during an evaluation, too
        board = sweep_board(root, manifest)
        mark(root, manifest, "failed" if evaluation else _state_of(board, executor))
        write_sweep_ending(root, board)
    if "out" in args:
        from can_train.cli.sweep_results import write_results

        write_results(root, board, args.out)
    return code or evaluation


def evaluate_all(runs: Sequence[Path], data_root: Path | None) -> int:
    """Evaluates those that aren't, one after another; the first exit code that isn't 0."""
    missing = [run for run in runs if not is_evaluated(run)]
    codes = []
    for number, run in enumerate(missing, start=1):
        sys.stdout.write(f"evaluating: run {run.name} ({number} of {len(missing)})\n")
        sys.stdout.flush()
        codes.append(exit_code_of(start_evaluation(run, data_root, quiet=True)))
        if codes[-1]:
            sys.stderr.write(f"evaluation of run {run.name} failed (exit code {codes[-1]})\n")
    return next((code for code in codes if code), 0)


def _state_of(board: SweepBoard, executor: Executor) -> SweepState:
    """What the record says of a sweep after a command that ran it."""
    if not executor.waits:
        return "submitted"
    known: dict[str, SweepState] = {
        "finished": "finished",
        "cancelled": "cancelled",
        "planned": "planned",
    }
    return known.get(board.state, "failed")


def _under_way(executor: Executor) -> SweepState:
    return "running" if executor.waits else "submitted"


def _found(roots: Roots, name: str) -> Manifest:
    """The sweep of that name.

    Raises:
        PreflightError: There is none.
        ArtifactError: Its record is damaged.
    """
    from can_train.runs.find import find_sweep

    return manifest_of(find_sweep(roots.experiments, name))


def _manifest_file(roots: Roots, name: str) -> Path:
    """A manifest by its path, or that of a sweep by its name."""
    from can_train.frames.absent import absent
    from can_train.runs.find import find_sweep

    path = Path(name)
    if path.suffix == ".json" and not path.exists():
        raise PreflightError(f"{name}: {absent(path, 'file')} Give a manifest or a sweep")
    return path if path.is_file() else manifest_path(find_sweep(roots.experiments, name))
