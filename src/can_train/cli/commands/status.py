"""`can-train status`: what is running, done or broken."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of

if TYPE_CHECKING:
    from can_train.runs.status import RunStatus

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

HEADER: Final = (
    "run", "dataset", "model", "size", "strategy", "distillation", "state", "epoch", "figure",
    "message",
)  # fmt: skip


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
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the table; 1 if a run shown failed and wasn't made again since."""
    from can_train.cli.tables import write_table
    from can_train.runs.status import current_status

    root = roots_of(args).experiments
    runs = _runs(root, args.name)
    if not runs:
        sys.stdout.write(f"no runs under {root}\n")
        return 0
    found = [(run, current_status(run)) for run in runs]
    write_table(sys.stdout, HEADER, [_row(root, run, status) for run, status in found])
    return int(any(_failed(status) for run, status in found if not _made_again(run)))


def _runs(root: Path, name: str | None) -> list[Path]:
    """Runs in the order of their plans; runs of no plan at the end."""
    from can_train.runs.layout import find_run, iter_plans, iter_runs

    plans = [plan for plan in iter_plans(root) if name is None or plan.name.startswith(name)]
    if name is not None:
        if (Path(name) / "plan.json").is_file():
            return _plan_runs(root, Path(name))
        if len(plans) == 1:
            return _plan_runs(root, plans[0])
        return [find_run(root, name)]
    planned = [run for plan in plans for run in _plan_runs(root, plan)]
    return list(dict.fromkeys([*planned, *iter_runs(root)]))


def _plan_runs(root: Path, plan: Path) -> list[Path]:
    from can_train.errors import ArtifactError
    from can_train.runs.files import read_object

    stages = read_object(plan / "plan.json").get("stages")
    if not isinstance(stages, list):
        raise ArtifactError(f"{plan / 'plan.json'}: has no stages. Give the command again")
    return [root / str(stage["run_dir"]) for stage in stages]


def _row(root: Path, run: Path, status: RunStatus | None) -> tuple[str, ...]:
    _, dataset, _, model, size, distilled, strategy = run.absolute().parts[-8:-1]
    word = "with-kd" if distilled == "distilled" else "no-kd"
    if status is None:
        return (run.name, dataset, model, size, strategy, word, "planned", "", "", "")
    epoch = f"{status.epoch}/{status.epochs}" if status.epochs else ""
    figure = (
        f"{status.metric} {status.value:.5g}" if status.metric and status.value is not None else ""
    )
    message = " ".join(status.message.split())
    return (run.name, dataset, model, size, strategy, word, status.state, epoch, figure, message)


def _failed(status: RunStatus | None) -> bool:
    return status is not None and status.state == "failed"


def _made_again(run: Path) -> bool:
    """Whether `--force` made the run again: `<run_id>-2` and so on stand beside it."""
    base, _, number = run.name.partition("-")
    return run.with_name(f"{base}-{int(number or 1) + 1}").is_dir()
