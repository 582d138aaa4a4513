"""`can-train rm`: remove a run, a plan with its runs, or a dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from can_train.cli.options import add_root_options, roots_of
from can_train.errors import ConfigError, PreflightError

if TYPE_CHECKING:
    from can_train.dataset.manifest import DatasetRef
    from can_train.pipeline.removal import Removal
    from can_train.runs.layout import Roots

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `rm`."""
    parser = subparsers.add_parser(
        "rm",
        help="remove a run, a plan with its runs, or a dataset",
        description=(
            "Remove a run, a plan with its runs, or a dataset, after a question. What others were "
            "built on, or work on, is refused. Registered teachers stay."
        ),
        epilog="example: can-train rm 0123456789ab --dry-run",
    )
    parser.add_argument(
        "name", metavar="RUN|PLAN|DATASET", help="id, beginning of an id, folder, or whole name"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would go")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    add_root_options(parser, "data", "experiment")


def run(args: argparse.Namespace) -> int:
    """Shows what goes, asks, and removes it; 0 also when the answer was no.

    Raises:
        PreflightError: There is no such thing, or others need it.
        ConfigError: Nobody can be asked.
    """
    removal = _removal(roots_of(args), args.name)
    for folder in removal.folders:
        sys.stdout.write(f"{_megabytes(folder):10,.1f} MB  {folder}\n")
    for kept in removal.kept:
        sys.stdout.write(f"{'stays':>13}  {kept} (a stage of another plan)\n")
    if args.dry_run:
        return 0
    if not args.yes and not _agreed(args.name):
        sys.stdout.write("nothing removed\n")
        return 0
    removal.carry_out()
    sys.stdout.write("removed\n")
    return 0


def _removal(roots: Roots, name: str) -> Removal:
    """What goes by that name: a dataset by its whole name, else a run or plan.

    Raises:
        PreflightError: There is no such thing, or others need it.
    """
    from can_train.pipeline.removal import removal_of_dataset, removal_of_plan, removal_of_run
    from can_train.runs.find import RUN_OR_PLAN, find

    dataset = _dataset(roots, name)
    if dataset is not None:
        return removal_of_dataset(roots.experiments, roots.data, dataset)
    found = find(roots.experiments, name, RUN_OR_PLAN)
    remove = removal_of_plan if found.kind == "plan" else removal_of_run
    return remove(roots.experiments, found.folder)


def _dataset(roots: Roots, name: str) -> DatasetRef | None:
    """The stored dataset of that name.

    Raises:
        PreflightError: Several modalities have one.
    """
    from can_train.cli.dataset_list import stored_datasets

    found = [ref for ref in stored_datasets(roots.data) if name == ref.dataset]
    if len(found) > 1:
        places = ", ".join(str(ref.folder(roots.data)) for ref in found)
        raise PreflightError(f"{name} means several datasets: {places}. Remove one by hand")
    return found[0] if found else None


def _agreed(name: str) -> bool:
    """Whether somebody who was asked said yes.

    Raises:
        ConfigError: There is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise ConfigError(
            f"rm {name}: nobody can be asked here. Use: can-train rm {name} --yes, or look with "
            "--dry-run"
        )
    sys.stdout.write("Remove this? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _megabytes(folder: Path) -> float:
    sizes = (path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return sum(sizes) / 1e6
