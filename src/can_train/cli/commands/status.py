"""`can-train status`: what is running, done or broken."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of

if TYPE_CHECKING:
    from can_train.jobs.board import Board, Row
    from can_train.pipeline.stored import StoredStage

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

HEADER: Final = (
    "run", "dataset", "model", "size", "strategy", "distillation", "state", "reason", "elapsed",
    "epoch", "figure", "node", "job", "log",
)  # fmt: skip
WATCH_S: Final = 5.0
"""Pause between two looks; each one asks the executors."""

CLEAR: Final = "\x1b[H\x1b[2J"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `status`."""
    parser = subparsers.add_parser(
        "status",
        help="show runs and plans, and whether any failed",
        description="Show all runs, one run or one plan; exit code 1 if any of them failed.",
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
    """Writes the table; 1 if a run shown failed or was blocked, and wasn't made again since."""
    root = roots_of(args).experiments
    stages = _stages(root, args.name)
    if not stages and not args.json:
        sys.stdout.write(f"no runs under {root}\n")
        return 0
    board = _show(stages, as_json=args.json, clear=args.watch)
    while args.watch and any(row.is_active for row in board.rows):
        time.sleep(WATCH_S)
        board = _show(stages, as_json=args.json, clear=True)
    broken = [row for row in board.rows if row.state in {"failed", "blocked"}]
    return int(any(not _made_again(row.job.run_dir) for row in broken))


def _stages(root: Path, name: str | None) -> Sequence[StoredStage]:
    from can_train.pipeline.stored import all_stages, stages_of
    from can_train.runs.find import RUN_OR_PLAN, find

    return all_stages(root) if name is None else stages_of(root, find(root, name, RUN_OR_PLAN))


def _show(stages: Sequence[StoredStage], *, as_json: bool, clear: bool) -> Board:
    from can_train.cli.tables import write_table
    from can_train.jobs.board import board_of

    board = board_of([stage.job for stage in stages])
    if clear and sys.stdout.isatty():
        sys.stdout.write(CLEAR)
    if as_json:
        rows = [_document(s, row) for s, row in zip(stages, board.rows, strict=True)]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        rows_of_text = [_texts(s, row) for s, row in zip(stages, board.rows, strict=True)]
        write_table(sys.stdout, HEADER, rows_of_text)
    sys.stdout.flush()
    for problem in board.problems:
        sys.stderr.write(f"warning: {problem}\n")
    return board


def _texts(stage: StoredStage, row: Row) -> tuple[str, ...]:
    figure = f"{row.metric} {row.value:.5g}" if row.metric and row.value is not None else ""
    return (
        row.job.run_dir.name,
        stage.dataset,
        stage.job.name,
        stage.model_size,
        stage.training_strategy,
        stage.distillation,
        row.state,
        row.reason,
        _clock(row.elapsed_s),
        f"{row.epoch}/{row.epochs}" if row.epochs else "",
        figure,
        row.node,
        "" if row.worker_job is None else row.worker_job.job_id,
        str(row.log or ""),
    )


def _document(stage: StoredStage, row: Row) -> dict[str, object]:
    return {
        "run_id": row.job.run_dir.name,
        "run_dir": str(row.job.run_dir),
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


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _made_again(run: Path) -> bool:
    """Whether `--force` made the run again: `<run_id>-2` and so on stand beside it."""
    base, _, number = run.name.partition("-")
    return run.with_name(f"{base}-{int(number or 1) + 1}").is_dir()
