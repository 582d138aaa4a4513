"""What came out of a sweep: its table, its files and pictures, and the best on validation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from can_train.cli.options import roots_of
from can_train.cli.sweep_views import heading, show_as_json, sweep_called
from can_train.errors import ConfigError, counted
from can_train.runs.layout import experiment_option, plan_dir
from can_train.sweeps.manifest import Manifest
from can_train.sweeps.standing import sweep_board
from can_train.tables import write_lines, write_table

if TYPE_CHECKING:
    from can_train.sweeps.results import Result, ResultGroup
    from can_train.sweeps.standing import SweepBoard

WRITTEN: Final = (".md", ".tex", ".csv", ".parquet")
"""Endings of files that `sweep results --out` writes."""


def show_results(args: argparse.Namespace) -> int:
    """Writes the table of results, and into files where wanted; gives 0, or a code of evaluations.

    Raises:
        ConfigError: A file has another ending.
        PreflightError: There is no such sweep, or a file can't be written.
    """
    from can_train.cli.evaluation_process import given_data_root
    from can_train.cli.outputs import require_writable
    from can_train.cli.sweep_launch import evaluate_all
    from can_train.sweeps.bill import bill_of
    from can_train.sweeps.report import columns_of, remarks_of, rows_of
    from can_train.sweeps.results import results_of

    root = roots_of(args).experiments
    outs: list[Path] = vars(args).get("out", [])
    check_outs(outs)
    pictures: Path | None = vars(args).get("pictures")
    if pictures is not None:
        require_writable("--pictures", pictures, folder=True)
    manifest = sweep_called(root, args.name)
    board = sweep_board(root, manifest)
    code = 0
    if args.evaluate:
        done = [c.last.job.run_dir for c in board.combinations if c.last.state == "finished"]
        code = evaluate_all(done, given_data_root(args))
    results = results_of(board, every_stage=args.stages)
    bill = bill_of(board.board.rows, plan_dir(root, manifest.sweep_id)).words
    if args.json:
        show_as_json({"bill": bill, "runs": _records(manifest, results)})
    else:
        write_lines(sys.stdout, heading(board))
        write_table(sys.stdout, columns_of(manifest, results), rows_of(manifest, results))
        write_lines(sys.stdout, (*remarks_of(manifest, results), bill))
    for path in outs:
        _write(path, manifest, results, bill)
    if pictures is not None:
        _draw(pictures, manifest, results)
    return code


def check_outs(outs: Sequence[Path]) -> None:
    """Looks at files for results before anything is done for them.

    Raises:
        ConfigError: One has another ending.
        PreflightError: One can't be written.
    """
    from can_train.cli.outputs import require_writable

    for path in outs:
        _check_ending(path)
        require_writable("--out", path)


def write_results(root: Path, board: SweepBoard, outs: Sequence[Path]) -> None:
    """Writes the results of every stage, and what they cost.

    Args:
        root: Where the runs lie.
        board: The sweep.
        outs: Where to, in the form in which each name ends.
    """
    from can_train.sweeps.bill import bill_of
    from can_train.sweeps.results import results_of

    manifest = board.manifest
    bill = bill_of(board.board.rows, plan_dir(root, manifest.sweep_id)).words
    for path in outs:
        _write(path, manifest, results_of(board, every_stage=True), bill)


def show_best(args: argparse.Namespace) -> int:
    """Writes the best of each dataset and model on validation, and what to type next.

    Raises:
        PreflightError: There is no such sweep, or none of it has finished.
    """
    from can_train.errors import PreflightError
    from can_train.sweeps.results import best_of, groups_of, results_of

    root = roots_of(args).experiments
    manifest = sweep_called(root, args.name)
    best = best_of(groups_of(results_of(sweep_board(root, manifest))))
    if not best:
        raise PreflightError(
            f"sweep {manifest.sweep_id}: no combination has finished with all of its seeds. "
            f"Look at it: can-train sweep status {manifest.sweep_id}"
        )
    if args.json:
        show_as_json([_best_document(group) for group in best])
        return 0
    option = experiment_option(root)
    for group in best:
        write_lines(sys.stdout, [*_best_lines(group)])
        write_lines(sys.stdout, [f"next: can-train evaluate {group.first.run.name}{option}"])
    return 0


def _best_lines(group: ResultGroup) -> Iterator[str]:
    found = group.validation
    if found is not None:
        spread = "" if found.half_width is None else f" ± {found.half_width:.4f}"
        yield (
            f"{group.first.dataset} {group.first.model}: {group.words or 'the only one'}: "
            f"{group.metric} {found.mean:.4f}{spread} over {counted(found.count, 'seed')}"
        )
    for result in group.results:
        yield f"  run {result.run.name}: {result.words}"


def _best_document(group: ResultGroup) -> dict[str, object]:
    found = group.validation
    return {
        "dataset": group.first.dataset,
        "model": group.first.model,
        "params": dict(group.params),
        "validation_metric": group.metric,
        "validation_mean": None if found is None else found.mean,
        "half_width": None if found is None else found.half_width,
        "runs": [result.run.name for result in group.results],
    }


def _records(manifest: Manifest, results: Sequence[Result]) -> object:
    from can_train.sweeps.report import records_of

    return records_of(manifest, results)


def _check_ending(path: Path) -> None:
    if path.suffix not in WRITTEN:
        raise ConfigError(f"--out: {path} isn't allowed. Allowed endings: {', '.join(WRITTEN)}")


def _write(path: Path, manifest: Manifest, results: Sequence[Result], bill: str) -> None:
    from can_train.cli.outputs import writing_for
    from can_train.files import write_text, writing
    from can_train.sweeps.report import frame_of, latex_of, markdown_of

    with writing_for("--out", path):
        if path.suffix == ".md":
            write_text(path, markdown_of(manifest, results, [bill]))
        elif path.suffix == ".tex":
            write_text(path, latex_of(manifest, results, [bill]))
        else:
            frame = frame_of(manifest, results)
            with writing(path) as stream:
                frame.write_csv(stream) if path.suffix == ".csv" else frame.write_parquet(stream)
    sys.stderr.write(f"written: {path}\n")


def _draw(folder: Path, manifest: Manifest, results: Sequence[Result]) -> None:
    from can_train.cli.outputs import writing_for
    from can_train.files import write_text
    from can_train.sweeps.pictures import pictures_of
    from can_train.sweeps.results import groups_of

    for picture in pictures_of(manifest, groups_of(results)):
        path = folder / f"{picture.name}.svg"
        with writing_for("--pictures", path):
            write_text(path, picture.svg)
        sys.stderr.write(f"written: {path}\n")
