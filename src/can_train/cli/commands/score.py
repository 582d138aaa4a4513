"""`can-train score`: what a finished run says about recordings that were never imported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from can_train.cli.calibration import add_calibration_options, wanted_calibration
from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options
from can_train.cli.outputs import require_writable, writing_for
from can_train.cli.reading import add_label_table_option, add_reading_options, reading_of
from can_train.cli.trained import add_detector, detector_path
from can_train.cli.values import file_or_folder, file_text
from can_train.errors import CanTrainError, ConfigError, DataError, raise_all

if TYPE_CHECKING:
    from can_train.dataset.request import Reading
    from can_train.detectors.frame_scorer import FrameScorer
    from can_train.scoring.documents import Scoring
    from can_train.scoring.recording import ScoredRecording

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_STDOUT: Final = "-"
_OUTPUTS: Final = ("json", "csv")


def add_parser(subparsers: Subparsers) -> None:
    """Adds `score`."""
    parser = subparsers.add_parser(
        "score",
        help="score recordings that were never imported",
        description=(
            "Score every full window of recordings, labelled or not, with a finished run and what "
            "it fuses, and show events with their time, IDs and suspected kind. Nothing is "
            "imported."
        ),
        epilog=epilog("score"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector(parser)
    parser.add_argument(
        "files", nargs="+", type=file_or_folder, metavar="FILE",
        help="recordings; a folder stands for every recording in it",
    )  # fmt: skip
    add_reading_options(parser)
    add_label_table_option(parser)
    parser.add_argument(
        "--json",
        type=file_text,
        metavar="FILE",
        help="write events and windows as one JSON object; - for stdout",
    )
    parser.add_argument(
        "--csv",
        type=file_text,
        metavar="FILE",
        help="write one line per window as a table; - for stdout",
    )
    add_calibration_options(parser)
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Scores, shows and writes; gives 0 if every recording could be scored.

    Raises:
        DataError: Recordings couldn't be scored; the others are shown and written before.
    """
    _check_outputs(args)
    artifact = detector_path(args, "score with")
    from can_train.frames.found import found_files
    from can_train.frames.readers.registry import format_named

    if args.format is not None:
        format_named(args.format)
    found = found_files(args.files, any_format=reading_of(args).any_file)
    _check_overwriting(args, found.files)
    for path in found.left_out:
        sys.stderr.write(f"left out: {path}: of no known format\n")
    scoring, problems = _scored(args, artifact, found.files)
    if scoring.recordings:
        _write(args, scoring)
    raise_all(problems)
    return 0


def _scored(
    args: argparse.Namespace, artifact: Path, files: tuple[Path, ...]
) -> tuple[Scoring, list[CanTrainError]]:
    """What could be scored, and why the rest couldn't."""
    from can_train.detectors.loading import load_detector
    from can_train.scoring.documents import Scoring

    detector: FrameScorer = load_detector(
        artifact, experiment_root=vars(args).get("experiment_root")
    )
    detector.limit_threads()
    to_stdout = _STDOUT in dict(_outputs(args)).values()
    wanted = wanted_calibration(args, sys.stderr if to_stdout else sys.stdout)
    if wanted is not None:
        from can_train.evaluation.new_vehicle import calibrate_on

        calibrate_on(wanted, detector)
    recordings, problems = _read_and_scored(detector, files, reading_of(args))
    scoring = Scoring(
        run=artifact.name,
        detector=detector,
        recordings=recordings,
        problems=[str(problem) for problem in problems],
    )
    return scoring, list(problems)


def _read_and_scored(
    detector: FrameScorer, files: tuple[Path, ...], reading: Reading
) -> tuple[list[ScoredRecording], list[DataError]]:
    """Each bus of each file, and why others couldn't be scored."""
    from can_train.dataset.discovery import lone_file
    from can_train.dataset.labels import Labels, is_label_file
    from can_train.scoring.recording import score_file

    lone = [lone_file(file) for file in files if not is_label_file(file, reading.labels)]
    labels = Labels(reading.labels, lone)
    recordings: list[ScoredRecording] = []
    problems = []
    for file in lone:
        try:
            recordings += score_file(detector, file, reading, labels, _tell)
        except DataError as problem:
            problems.append(problem)
    return recordings, problems


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _write(args: argparse.Namespace, scoring: Scoring) -> None:
    """Writes what was asked for; the tables unless a document takes their place."""
    from can_train.files import write_text
    from can_train.scoring.documents import scores_csv, scores_json

    makers = {"json": scores_json, "csv": scores_csv}
    for option, target in _outputs(args):
        text = makers[option](scoring)
        if target == _STDOUT:
            sys.stdout.write(text)
            continue
        with writing_for(f"--{option}", Path(target)):
            write_text(Path(target), text)
        sys.stderr.write(f"written: {target}\n")
    if _STDOUT not in dict(_outputs(args)).values():
        _print(scoring)


def _print(scoring: Scoring) -> None:
    from can_train.scoring.tables import EVENTS, SUMMARY, event_rows, heading, summary_rows
    from can_train.tables import write_table

    out, own = sys.stdout, list(scoring.detector.thresholds)[-1]
    out.write(f"{heading(scoring)}\n")
    write_table(out, SUMMARY, summary_rows(scoring.detector, scoring.recordings))
    for recording in scoring.recordings:
        rows = event_rows(recording, own)
        if rows:
            out.write(f"\n{recording.name}: events of {own}, seconds since its first frame\n")
            write_table(out, EVENTS, rows)


def _outputs(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for option in _OUTPUTS:
        target = vars(args)[option]
        if target is not None:
            yield option, target


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuses what can't be written before anything is scored.

    Raises:
        ConfigError: Both would be written to one place.
        PreflightError: A file can't be written there.
    """
    targets = dict(_outputs(args))
    if len(targets) == len(_OUTPUTS) and len(set(targets.values())) == 1:
        raise ConfigError(
            f"--json and --csv can't both be written to {targets['csv']}. Give two files"
        )
    for option, target in targets.items():
        if target != _STDOUT:
            require_writable(f"--{option}", Path(target))


def _check_overwriting(args: argparse.Namespace, files: tuple[Path, ...]) -> None:
    """Refuses to write over a recording.

    Raises:
        ConfigError: An output is one of the recordings.
    """
    inputs = {file.resolve() for file in files}
    for option, target in _outputs(args):
        if target != _STDOUT and Path(target).resolve() in inputs:
            raise ConfigError(
                f"--{option} {target}: that is one of the recordings. Give another file"
            )
