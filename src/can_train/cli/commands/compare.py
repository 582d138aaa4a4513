"""`can-train compare`: line up runs: student, distilled student, teacher; mean over seeds."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from can_train.cli.evaluation_process import (
    exit_code_of,
    given_data_root,
    lacks_rows_of,
    start_evaluation,
)
from can_train.cli.options import add_root_options, roots_of
from can_train.cli.other_detectors import add_detector_option, wanted_detectors
from can_train.cli.outputs import require_writable, writing_for
from can_train.cli.values import file_path

if TYPE_CHECKING:
    from can_train.comparison.groups import Comparison, Section
    from can_train.comparison.scorer_tables import ByFile
    from can_train.comparison.tables import Table
    from can_train.runs.find import Selection
    from can_train.runs.layout import Roots

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `compare`."""
    parser = subparsers.add_parser(
        "compare",
        help="line up runs: student, distilled student and teacher, over seeds",
        description=(
            "Line up finished, evaluated runs per scenario: student, student+KD and teacher of "
            "each model, with the mean and 95 % interval over seeds, and what distillation "
            "changes, paired by seed; --full shows all figures with their intervals. With --files "
            "also every model and control of their evaluations, per scenario, file and attack kind."
        ),
        epilog="example: can-train compare hcrl_sa --files --out comparison.md",
    )
    parser.add_argument(
        "names", nargs="+", metavar="RUN|PLAN|DATASET",
        help="ids, beginnings of ids or folders; a dataset stands for all its evaluated runs",
    )  # fmt: skip
    parser.add_argument(
        "--evaluate", action="store_true", help="first evaluate the runs that aren't"
    )
    parser.add_argument(
        "--full", action="store_true", help="show all figures and differences with their intervals"
    )
    parser.add_argument(
        "--files", action="store_true",
        help="also every model and control per scenario, file and attack kind",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--out", type=file_path, metavar="FILE.md", help="also write a Markdown page"
    )
    add_detector_option(parser)
    add_root_options(parser, "data", "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the tables, and gives 0.

    Raises:
        ConfigError: Detectors are named, and nothing shall be evaluated.
    """
    from can_train.errors import ConfigError
    from can_train.runs.find import select

    if "detector" in args and not args.evaluate:
        raise ConfigError(
            "--detector: rows of detectors are made by evaluations. Add --evaluate, or leave it "
            "out: rows that are there are shown"
        )
    if args.out is not None:
        require_writable("--out", args.out)
    roots = roots_of(args)
    selection = select(roots.experiments, args.names)
    from can_train.comparison.groups import compare_runs
    from can_train.comparison.scorer_tables import ByFile, by_file
    from can_train.comparison.tables import document_of, markdown_of

    runs = _evaluated_runs(args, roots, selection)
    comparison = compare_runs(runs)
    files = by_file(comparison) if args.files else ByFile()
    if args.json:
        document = {**document_of(comparison), **files.document}
        sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
    else:
        _print(comparison, files, full=args.full)
    if args.out is not None:
        from can_train.files import write_text

        words = ["can-train", "compare", *args.names, *(["--files"] if args.files else [])]
        page = markdown_of(comparison, shlex.join(words), files.tables, files.remarks)
        with writing_for("--out", args.out):
            write_text(args.out, page)
        sys.stderr.write(f"written: {args.out}\n")
    return 0


def _evaluated_runs(args: argparse.Namespace, roots: Roots, selection: Selection) -> list[Path]:
    """The runs that can be lined up; those that can't are an error if they were named.

    Raises:
        PreflightError: A run that was named hasn't finished or isn't evaluated, or none is left.
    """
    from can_train.cli.commands.evaluate import require_finished
    from can_train.comparison.groups import without_evaluation
    from can_train.errors import PreflightError
    from can_train.runs.state import current_status

    for run_dir in selection.named:
        require_finished(run_dir)
    states = {run_dir: current_status(run_dir) for run_dir in selection.found}
    finished = [run_dir for run_dir, s in states.items() if s is not None and s.state == "finished"]
    _note("not finished", [run_dir for run_dir in selection.found if run_dir not in finished])
    runs = [*selection.named, *finished]
    lacking = without_evaluation(runs)
    if args.evaluate:
        wanted = wanted_detectors()
        lacking += [run for run in runs if run not in lacking and lacks_rows_of(run, wanted)]
        _evaluate(lacking, given_data_root(args))
        return runs
    ready = [run_dir for run_dir in runs if run_dir not in lacking]
    if not ready or any(run_dir in selection.named for run_dir in lacking):
        lines = [f"  can-train evaluate {run_dir.name}" for run_dir in lacking]
        raise PreflightError(
            "\n".join(["not evaluated; evaluate these, or give --evaluate:", *lines])
            if lines
            else f"no finished runs of {', '.join(args.names)}. Show the runs: can-train status"
        )
    _note("not evaluated (add them by --evaluate)", lacking)
    return ready


def _note(why: str, runs: Sequence[Path]) -> None:
    if runs:
        sys.stderr.write(f"left out, {why}: {', '.join(run_dir.name for run_dir in runs)}\n")


def _evaluate(runs: Sequence[Path], data_root: Path | None) -> None:
    """Evaluates each run.

    Raises:
        PreflightError: One of them failed; those before it stay evaluated.
    """
    from can_train.errors import PreflightError

    for number, run_dir in enumerate(runs, start=1):
        sys.stderr.write(f"evaluating run {run_dir.name} ({number} of {len(runs)})\n")
        code = exit_code_of(start_evaluation(run_dir, data_root, quiet=True))
        if code:
            raise PreflightError(
                f"evaluation of run {run_dir.name} failed (exit code {code}). "
                f"Try it alone: can-train evaluate {run_dir.name}"
            )


def _print(comparison: Comparison, files: ByFile, *, full: bool) -> None:
    from can_train.comparison.tables import tables_of, verdicts_of
    from can_train.tables import write_lines

    for section in comparison.sections:
        if full:
            _print_tables(tables_of(section))
        else:
            _print_section(section)
        write_lines(sys.stdout, (*verdicts_of(section), ""))
    _print_tables(files.tables)
    write_lines(sys.stdout, (*files.remarks, *comparison.notes))


def _print_section(section: Section) -> None:
    """The groups of one model beside the best control, in one table."""
    from can_train.comparison.compact import COLUMNS, LEGEND, compact_section, section_remarks
    from can_train.tables import write_lines, write_table

    sys.stdout.write(f"{section.dataset} / {section.model}\n")
    write_table(sys.stdout, COLUMNS, compact_section(section))
    write_lines(sys.stdout, (LEGEND, *section_remarks(section)))


def _print_tables(tables: Sequence[Table]) -> None:
    from can_train.tables import write_table

    for table in tables:
        sys.stdout.write(f"{table.title}\n")
        write_table(sys.stdout, table.header, table.rows)
        sys.stdout.write("\n")
