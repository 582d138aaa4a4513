"""Adaptive sweeps: `--search`, and going on with one."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from can_train.cli.evaluation_process import given_data_root
from can_train.cli.launch import exit_code, was_stopped
from can_train.cli.options import roots_of, typed_from
from can_train.errors import EXIT_INTERRUPTED, ConfigError
from can_train.runs.layout import is_sweep, sweep_dir
from can_train.runs.typed_command import typed_command
from can_train.sweeps.grid import GridPart
from can_train.sweeps.make import Order, order_of
from can_train.sweeps.manifest import (
    Manifest,
    SearchRecord,
    SweepState,
    manifest_of,
    mark,
    write_manifest,
)

if TYPE_CHECKING:
    from can_train.jobs.executor import Executor
    from can_train.jobs.job import JobResult
    from can_train.runs.layout import Roots
    from can_train.sweeps.grid import Grid
    from can_train.sweeps.search import Search, SearchOrder


def start_search(args: argparse.Namespace, grid: Grid, executor: Executor, one_stage: bool) -> int:
    """Checks everything that a search may try, shows it and, without `--dry-run`, runs it.

    Args:
        args: What was typed.
        grid: What a grid file says.
        executor: Who runs its trials.
        one_stage: Whether a trial is one stage.

    Raises:
        CanTrainError: Something of it can't be tried; nothing was written.
    """
    from can_train.cli.sweep_views import show_as_json, show_search
    from can_train.sweeps.manifest import manifest_document
    from can_train.sweeps.search import check_search
    from can_train.sweeps.study import require_search

    asked = _asked(args, grid, one_stage)
    executor.require_feeds()
    require_search()
    roots = roots_of(args)
    manifest = check_search(asked, roots)
    if "json" in args:
        show_as_json(manifest_document(manifest))
        return 0
    show_search(manifest)
    if "dry_run" in args:
        return 0
    return _search(asked, manifest, roots, executor)


def resume_search(args: argparse.Namespace, manifest: Manifest, executor: Executor) -> int:
    """Goes on with a search where it stopped.

    Args:
        args: What was typed.
        manifest: Its record.
        executor: Who runs its trials.

    Raises:
        PreflightError: Its trials would be other runs, or another process has it.
    """
    from can_train.sweeps.search import SearchOrder
    from can_train.sweeps.space import axes_from
    from can_train.sweeps.study import require_search

    executor.require_feeds()
    require_search()
    order = order_of(replace(manifest, search=None, configs=()))
    part, record = order.parts[0], manifest.search
    if record is None:
        raise ConfigError(f"sweep {manifest.sweep_id}: it isn't a search")
    axes = axes_from(manifest.parts[0].grid_definition)
    asked = SearchOrder(typed=part.typed, axes=axes, record=record, order=order)
    return _search(asked, manifest, _roots_again(args, manifest), executor)


def _roots_again(args: argparse.Namespace, manifest: Manifest) -> Roots:
    """Folders that were typed, else those of before: they stand in the frozen configs."""
    from can_train.config.frozen import load_frozen

    roots = roots_of(args)
    if not manifest.configs:
        return roots
    before = load_frozen(roots.experiments / manifest.configs[0].path)
    return replace(
        roots,
        data=given_data_root(args) or before.data_root,
        teachers=before.teacher_root or roots.teachers,
    )


def _asked(args: argparse.Namespace, grid: Grid, one_stage: bool) -> SearchOrder:
    """What was typed, as an order.

    Raises:
        ConfigError: It lacks something, or can't be searched.
    """
    from can_train.sweeps.axes import conflicts
    from can_train.sweeps.search import SearchOrder
    from can_train.sweeps.space import USE, parse_search_axis

    if "trials" not in args:
        raise ConfigError("--search: say how many trials. Use for example: --trials 40")
    if grid.parts != (GridPart(),):
        raise ConfigError("--grid-file: trains all that it spans. Give axes: --grid NAME=VALUES")
    axes = tuple(parse_search_axis(text) for text in vars(args).get("grid", ()))
    if not axes:
        raise ConfigError(f"--grid: missing. {USE}")
    typed = typed_from(args, one_stage=one_stage)
    for problem in conflicts(typed, axes):
        raise problem
    order = Order(
        parts=(),
        name=vars(args).get("name", ""),
        command=typed_command() or "",
        one_stage=one_stage,
        register="no_register" not in args,
    )
    record = SearchRecord(sampler=args.search, trials=args.trials)
    return SearchOrder(typed=typed, axes=axes, record=record, order=order)


def _search(asked: SearchOrder, manifest: Manifest, roots: Roots, executor: Executor) -> int:
    """Tries one combination after another; gives the exit code."""
    from can_train.sweeps.search import Search
    from can_train.sweeps.study import opened_study

    folder = sweep_dir(roots.experiments, manifest.sweep_id)
    with opened_study(folder, asked.axes) as study:
        before = manifest_of(folder).configs if is_sweep(folder) else ()
        at_once = executor.given.get("jobs")
        started = replace(manifest, state="running", configs=before)
        search = Search(
            asked, study, roots, started, None if at_once is None else int(at_once)
        )  # fmt: skip
        write_manifest(roots.experiments, started)
        results: tuple[JobResult, ...] = ()
        try:
            results = executor.execute_fed(search)
        finally:
            code = _conclude(search, roots, results)
    return code


def _conclude(search: Search, roots: Roots, results: tuple[JobResult, ...]) -> int:
    """Records how the search stands, and says what to type."""
    from can_train.cli.sweep_views import write_sweep_ending
    from can_train.sweeps.standing import sweep_board

    board = sweep_board(roots.experiments, search.manifest)
    wanted = [result for result in results if not _is_given_up(result)]
    done = board.done >= search.manifest.total_combinations
    unfinished: SweepState = "cancelled" if was_stopped(wanted) else "failed"
    mark(roots.experiments, search.manifest, "finished" if done else unfinished)
    write_sweep_ending(roots.experiments, board)
    if was_stopped(wanted):
        return EXIT_INTERRUPTED
    if search.is_hopeless:
        sys.stderr.write("the search has ended: one trial after another failed\n")
        return exit_code(wanted)
    return 0 if any(item.state == "finished" for item in board.combinations) else 1


def _is_given_up(result: JobResult) -> bool:
    from can_train.runs.state import PRUNED

    return result.message.startswith(PRUNED)
