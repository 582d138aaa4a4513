"""`can-train status`: what is running, done or broken."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of
from can_train.errors import ArtifactError

if TYPE_CHECKING:
    from can_train.jobs.board import Board, Row
    from can_train.pipeline.stored import ListedPlan, StoredStage

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

WATCH_S: Final = 5.0
"""Pause between two looks; each one asks the executors."""

CLEAR: Final = "\x1b[H\x1b[2J"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `status`."""
    parser = subparsers.add_parser(
        "status",
        help="show runs and plans, and whether any failed",
        description=(
            "Show all sweeps, plans and runs, one run or one plan (a sweep is one, too); exit code "
            "1 if any of them failed, 6 if a record of one is damaged."
        ),
        epilog=epilog("status"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", nargs="?", metavar="RUN|PLAN", help="id, beginning of an id, or folder"
    )
    parser.add_argument(
        "--watch", action="store_true", help="show it again every 5 s while something runs"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the tables, and gives the exit code.

    1 if a run shown failed or was blocked, and wasn't made again since; 6 if a record is damaged.
    """
    root = roots_of(args).experiments
    shown = _asked(root, args.name)
    if not shown.stages and not shown.plans and not args.json:
        sys.stdout.write(f"no runs under {root}. Start with: can-train demo\n")
        return 0
    board = _show(root, shown, as_json=args.json, clear=args.watch)
    while args.watch and any(row.is_active for row in board.rows):
        time.sleep(WATCH_S)
        board = _show(root, shown, as_json=args.json, clear=True)
    if any(row.state == "failed" for row in board.rows):
        from can_train.cli.memory_kills import record_kills

        record_kills(root, board.rows)
    if any(plan.problem for plan in shown.plans) or any(row.is_damaged for row in board.rows):
        return ArtifactError.exit_code
    broken = [row for row in board.rows if row.state in {"failed", "blocked"}]
    return int(any(not _made_again(row.job.run_dir) for row in broken))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is shown: runs, and the plans that they belong to."""

    plans: tuple[ListedPlan, ...]
    stages: tuple[StoredStage, ...]


def _asked(root: Path, name: str | None) -> _Asked:
    from can_train.pipeline.stored import all_stages, listed_plan, listed_plans, single
    from can_train.runs.find import RUN_OR_PLAN, find

    if name is None:
        plans = listed_plans(root)
        return _Asked(plans=plans, stages=all_stages(root, plans))
    found = find(root, name, RUN_OR_PLAN)
    if found.kind == "plan":
        plan = listed_plan(root, found.folder)
        return _Asked(plans=(plan,), stages=plan.stages)
    return _Asked(plans=(), stages=(single(found.folder),))


def _show(root: Path, shown: _Asked, *, as_json: bool, clear: bool) -> Board:
    from can_train.jobs.board import board_of

    board = board_of([stage.job for stage in shown.stages])
    if clear and sys.stdout.isatty():
        sys.stdout.write(CLEAR)
    if as_json:
        plans = _plans_by_run(root, shown)
        rows = [_document(s, r, plans) for s, r in zip(shown.stages, board.rows, strict=True)]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        _write_tables(root, shown, board)
    sys.stdout.flush()
    for problem in (*board.problems, *(_problems(shown) if as_json else ())):
        sys.stderr.write(f"warning: {problem}\n")
    return board


def _write_tables(root: Path, shown: _Asked, board: Board) -> None:
    from can_train.cli.status_table import PLAN_COLUMNS, RUN_COLUMNS, plan_lines, run_lines
    from can_train.tables import write_table

    plans = _without_sweeps(root, shown, board)
    if plans:
        write_table(sys.stdout, PLAN_COLUMNS, plan_lines(plans, board.rows, root))
    if plans and shown.stages:
        sys.stdout.write("\n")
    if shown.stages:
        write_table(sys.stdout, RUN_COLUMNS, run_lines(shown.stages, board.rows))


def _without_sweeps(root: Path, shown: _Asked, board: Board) -> list[ListedPlan]:
    """Writes the sweeps among the plans, and gives the other plans."""
    from can_train.cli.sweep_table import SWEEP_COLUMNS, sweep_lines
    from can_train.runs.layout import is_sweep, sweep_dir
    from can_train.sweeps.manifest import listed_sweep
    from can_train.sweeps.standing import standing
    from can_train.tables import write_table

    folders = [sweep_dir(root, plan.folder.name) for plan in shown.plans]
    sweeps = [listed_sweep(folder) for folder in folders if is_sweep(folder)]
    if sweeps:
        boards = [standing(root, item.manifest, board) for item in sweeps if item.manifest]
        write_table(sys.stdout, SWEEP_COLUMNS, sweep_lines(sweeps, boards, root))
        sys.stdout.write("\n")
    names = {item.folder.name for item in sweeps}
    return [plan for plan in shown.plans if plan.folder.name not in names]


def _problems(shown: _Asked) -> Iterator[str]:
    """Damaged plans, which have no row of their own in JSON."""
    yield from (plan.problem for plan in shown.plans if plan.problem)


def _plans_by_run(root: Path, shown: _Asked) -> dict[Path, list[str]]:
    """Ids of the plans that each run belongs to."""
    from can_train.pipeline.stored import listed_plans

    found: dict[Path, list[str]] = {stage.job.run_dir: [] for stage in shown.stages}
    for plan in listed_plans(root):
        for stage in plan.stages:
            found.setdefault(stage.job.run_dir, []).append(plan.folder.name)
    return found


def _document(stage: StoredStage, row: Row, plans: Mapping[Path, list[str]]) -> dict[str, object]:
    return {
        "run_id": row.job.run_dir.name,
        "run_dir": str(row.job.run_dir),
        "plan_ids": plans[row.job.run_dir],
        "stage": row.job.number,
        "dataset": stage.dataset,
        "model": stage.job.name,
        "model_size": stage.model_size,
        "training_strategy": stage.training_strategy,
        "distillation": stage.distillation,
        "state": row.state,
        "reason": row.reason,
        "elapsed_s": None if row.elapsed_s is None else round(row.elapsed_s, 1),
        "epoch": row.epoch,
        "epochs": row.epochs,
        "metric": row.metric,
        "value": row.value,
        "node": row.node,
        **_job_of(row),
        "log": None if row.log is None else str(row.log),
    }


def _job_of(row: Row) -> dict[str, object]:
    """The number of its job under `<executor>_job`, as in `status.json`."""
    job = row.worker_job
    return {"slurm_job": None} | ({f"{job.executor}_job": job.job_id} if job is not None else {})


def _made_again(run: Path) -> bool:
    """Whether `--force` made the run again: `<run_id>-2` and so on stand beside it."""
    base, _, number = run.name.partition("-")
    return run.with_name(f"{base}-{int(number or 1) + 1}").is_dir()
