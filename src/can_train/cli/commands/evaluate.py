"""`can-train evaluate`: score a finished run on every official scenario of its dataset."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from can_train.cli.calibration import add_calibration_options, wanted_calibration
from can_train.cli.examples import epilog
from can_train.cli.loading import loading
from can_train.cli.options import add_root_options, roots_of
from can_train.cli.other_detectors import add_detector_option, wanted_detectors
from can_train.cli.outputs import require_writable, writing_for
from can_train.cli.reading import (
    add_label_table_option,
    add_reading_options,
    add_unlabelled_option,
    reading_of,
    require_recordings,
)
from can_train.cli.recording import add_log_format
from can_train.cli.values import folder_path
from can_train.cli.waiting import Tell, waiting
from can_train.config.dataset_name import name_problem
from can_train.errors import ConfigError, PreflightError
from can_train.runs.log_format import set_up_logging
from can_train.vocab import MODALITIES

if TYPE_CHECKING:
    from can_train.evaluation.report import EvaluationReport

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Subparsers) -> None:
    """Adds `evaluate`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a finished run on every test scenario",
        description=(
            "Score a finished run on every test scenario of its dataset, per file and per "
            "scenario, beside the control rows; writes evaluation.json and evaluation.csv into "
            "the run. --detector adds rows of other detectors under the same split, thresholds "
            "and alarms; with --modality they are evaluated on a dataset, without a run. With "
            "--recordings nothing is written there: the figures of its own scenarios and of "
            "recordings that were never imported are shown together. With --calibrate-on the "
            "thresholds are those of another vehicle, and nothing is written."
        ),
        epilog=epilog("evaluate"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name",
        metavar="RUN|DATASET",
        help="id, beginning of an id, or folder of a run; with --modality the name of a dataset",
    )
    parser.add_argument(
        "--modality", choices=MODALITIES, default=argparse.SUPPRESS,
        help="application domain of a dataset, on which no run but --detector is evaluated",
    )  # fmt: skip
    add_detector_option(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print evaluation.json instead of the table",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="show every figure of every scorer, per file where a scenario has several",
    )
    parser.add_argument(
        "--recordings", type=folder_path, metavar="DIR",
        help="also score the labelled recordings in this folder",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=folder_path, metavar="DIR",
        help="also write evaluation.json and evaluation.csv into this folder",
    )  # fmt: skip
    add_calibration_options(parser)
    add_reading_options(parser)
    add_label_table_option(parser)
    add_unlabelled_option(parser)
    add_log_format(parser)
    add_root_options(parser, "data", "experiment")


def run(args: argparse.Namespace) -> int:
    """Evaluates, writes the table, and gives 0.

    Raises:
        ConfigError: --out is the run's own folder, or recordings are spoken of that aren't named.
    """
    require_recordings(args, {"--recordings": "DIR", "--calibrate-on": "FILE"})
    if "modality" in args:
        return _run_without_model(args)
    from can_train.config.frozen import frozen_config_of
    from can_train.runs.find import find_run
    from can_train.runs.jobs import own_job
    from can_train.tracking.follow import mirror_once

    roots = roots_of(args)
    run_dir = find_run(roots.experiments, args.name)
    require_finished(run_dir)
    frozen = frozen_config_of(run_dir)
    _check_out(args, run_dir)
    data_root = roots.data if "data_root" in args else frozen.data_root
    with _waiting() as tell:
        with loading():
            from can_train.evaluation.scenarios import Asked, evaluate_run

        asked = Asked(
            recordings=args.recordings,
            reading=reading_of(args),
            calibrate=wanted_calibration(args, sys.stderr if "json" in args else sys.stdout),
            detectors=wanted_detectors(),
        )
        report = evaluate_run(run_dir, data_root, asked, tell)
    _show(args, report)
    if "json" not in args:
        _tell_more(args, run_dir)
    if own_job() is None:  # a job's own mirror waits for this evaluation
        mirror_once(run_dir, frozen.experiment_root)
    return 0


def _run_without_model(args: argparse.Namespace) -> int:
    """Evaluates detectors of others on a dataset, and gives 0.

    Raises:
        ConfigError: There are none, or something is asked for that only runs have.
    """
    given = vars(args)
    wrong = [option for option in ("--recordings", "--calibrate-on")
             if given[option.strip("-").replace("-", "_")]]  # fmt: skip
    if wrong:
        raise ConfigError(
            f"{', '.join(wrong)}: only for a run, and --modality says that {args.name} is a "
            "dataset. Leave one of them out"
        )
    if problem := name_problem(args.name):
        raise ConfigError(f"--modality: {problem}")
    named = wanted_detectors()
    if not named:
        raise ConfigError(
            f"--modality: {args.name} is a dataset then, and there is nothing to evaluate on it. "
            "Add --detector NAME, or leave --modality out to evaluate a run"
        )
    _check_out(args)
    with _waiting() as tell:
        with loading():
            from can_train.dataset.manifest import DatasetRef
            from can_train.evaluation.untrained import evaluate_dataset

        ref = DatasetRef(modality=args.modality, dataset=args.name)
        report = evaluate_dataset(roots_of(args).data, ref, named, tell)
    _show(args, report)
    return 0


@contextmanager
def _waiting() -> Iterator[Tell]:
    with waiting("reading the dataset") as tell:
        set_up_logging(sys.stderr, "%(levelname)s %(message)s", logging.WARNING)
        logging.getLogger("can_train").setLevel(logging.INFO)
        yield tell


def _check_out(args: argparse.Namespace, run_dir: Path | None = None) -> None:
    """Looks at --out before anything is done.

    Raises:
        ConfigError: It is the run's own folder.
    """
    if args.out is None:
        return
    if run_dir is not None and args.out.resolve() == run_dir.resolve():
        raise ConfigError(f"--out {args.out}: that is the run's own folder. Give another one")
    require_writable("--out", args.out, folder=True)


def _show(args: argparse.Namespace, report: EvaluationReport) -> None:
    """Writes it where it was asked for, and shows it."""
    from can_train.evaluation.report import report_json
    from can_train.evaluation.table import print_report

    if args.out is not None:
        _write(report, args.out)
    if "json" in args:
        sys.stdout.write(report_json(report))
    else:
        print_report(report, sys.stdout, full=args.full)


def _tell_more(args: argparse.Namespace, run_dir: Path) -> None:
    """Where every figure of every file is, unless the result was only to be shown."""
    from can_train.runs.layout import IDENTITY_WORDS, evaluation_table_path, experiment_option

    if args.recordings is None and not vars(args).get("calibrate_on"):
        option = experiment_option(run_dir.absolute().parents[IDENTITY_WORDS])
        sys.stdout.write(f"every figure of every file: {evaluation_table_path(run_dir)}\n")
        sys.stdout.write(f"show them: can-train compare {run_dir.name} --files{option}\n")


def _write(report: EvaluationReport, folder: Path) -> None:
    """Writes both files into a folder that isn't the run's."""
    from can_train.evaluation.report import write_report

    with writing_for("--out", folder):
        written = write_report(report, folder)
    sys.stderr.write(f"written: {', '.join(map(str, written))}\n")


def require_finished(run_dir: Path, verb: str = "evaluate") -> None:
    """Refuses a run that hasn't finished, or whose files aren't what it made.

    Args:
        run_dir: The run.
        verb: What was to be done with it, for the message.

    Raises:
        PreflightError: The run hasn't finished.
        ArtifactError: A file of it is missing or another one.
    """
    from can_train.runs.made import check_made
    from can_train.runs.state import current_status

    status = current_status(run_dir)
    state = "planned" if status is None else status.state
    if state != "finished":
        raise PreflightError(
            f"run {run_dir.name} is {state}, so there is nothing to {verb}. "
            f"Look at it: can-train status {run_dir.name}"
        )
    check_made(run_dir)
