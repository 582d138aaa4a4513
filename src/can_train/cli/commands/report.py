"""`can-train report`: one page, or one figure, of a run, plan, sweep, dataset or recording."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options, roots_of
from can_train.cli.outputs import require_writable, writing_for
from can_train.cli.reading import (
    add_label_table_option,
    add_reading_options,
    reading_of,
    reading_options,
)
from can_train.cli.subjects import ReportSubject, subject_called
from can_train.cli.values import file_path
from can_train.cli.waiting import waiting
from can_train.errors import ConfigError

if TYPE_CHECKING:
    from can_train.report.document import Page

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_PAGE: Final = "html"
_FORMATS: Final = (_PAGE, "png", "svg", "pdf")
_PAGES: Final[Mapping[str, str]] = {
    "run": "can_train.report.run_page:run_page",
    "plan": "can_train.report.plan_page:plan_page",
    "sweep": "can_train.report.sweep_page:sweep_page",
    "dataset": "can_train.report.dataset_page:dataset_page",
}
"""Who makes the page of each kind of folder."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `report`."""
    parser = subparsers.add_parser(
        "report",
        help="write a page to look at, or a figure for a paper",
        description=(
            "Write one HTML file about a run, a plan, a sweep, a dataset or a recording: it needs "
            "no network and nothing beside it. Numbers are those of evaluation.json and of the "
            "run's records. With --figure one figure of it is written for a paper."
        ),
        epilog=epilog("report"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", metavar="RUN|PLAN|SWEEP|DATASET|RECORDING",
        help="id, beginning of an id, or folder; name of a dataset; or a file with frames",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=file_path, metavar="FILE",
        help="where to write (default: report.html in its folder; of a recording, and a figure, "
        "in this folder)",
    )  # fmt: skip
    parser.add_argument(
        "--format", dest="written_as", choices=_FORMATS, default=_PAGE,
        help="the page, or with --figure: what the figure is written as (default: html)",
    )  # fmt: skip
    parser.add_argument(
        "--figure", metavar="NAME", help="write this figure alone, at the width of a column"
    )
    add_reading_options(parser, format_option="--recording-format")
    add_label_table_option(parser)
    add_root_options(parser, "data", "experiment")


def run(args: argparse.Namespace) -> int:
    """Writes the page or the figure, says where it is, and gives 0.

    Raises:
        ConfigError: Options that don't go together, or no such figure.
    """
    _check(args)
    subject = subject_called(roots_of(args), args.name)
    if subject.kind != "recording" and (said := reading_options(args)):
        raise ConfigError(
            f"{', '.join(said).replace('--format', '--recording-format')}: about recordings, and "
            f"{args.name} is a {subject.kind}. Leave them out"
        )
    out = _out(args, subject)
    require_writable("--out", out)
    with waiting("reading the records") as tell:
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        page = _page(args, subject)
        tell("drawing")
        with writing_for("--out", out):
            _write(args, page, out)
    sys.stdout.write(f"report: {out}\n")
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.figure is None and args.written_as != _PAGE:
        raise ConfigError(
            f"--format {args.written_as}: of one figure, and none is named. Add --figure "
            f"NAME; a wrong name shows all"
        )
    if args.figure is not None and args.written_as == _PAGE:
        raise ConfigError(
            f"--figure {args.figure}: a figure isn't written as html. Add --format png, svg or pdf"
        )


def _out(args: argparse.Namespace, subject: ReportSubject) -> Path:
    if args.out is not None:
        return Path(args.out)
    if args.figure is None:
        return subject.page
    plain = "".join(c if c.isalnum() or c in "._-" else "-" for c in args.figure)
    return Path(f"{plain}.{args.written_as}")


def _page(args: argparse.Namespace, subject: ReportSubject) -> Page:
    """The page, by the room that knows the kind."""
    if subject.kind == "recording":
        from can_train.report.recording_page import recording_page

        return recording_page(subject.path, reading_of(args), _tell)
    module, _, function = _PAGES[subject.kind].removeprefix("can_train.").partition(":")
    make: Callable[[Path], Page] = getattr(import_module(f"can_train.{module}"), function)
    return make(subject.path)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _write(args: argparse.Namespace, page: Page, out: Path) -> None:
    from can_train.report.write import write_figure, write_page

    if args.figure is None:
        write_page(page, out)
    else:
        write_figure(page, args.figure, args.written_as, out)
