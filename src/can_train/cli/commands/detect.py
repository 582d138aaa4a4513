"""`can-train detect`: alarms as they happen, on a live bus, standard input or a recording."""

from __future__ import annotations

import argparse
from typing import Final, TypeAlias

from can_train.cli.examples import epilog
from can_train.cli.loading import loading
from can_train.cli.options import add_root_options
from can_train.cli.outputs import require_writable
from can_train.cli.reading import add_reading_options
from can_train.cli.sources import STDIN, check_source, source_of
from can_train.cli.trained import add_detector, detector_path
from can_train.cli.values import Duration, file_path, file_text
from can_train.errors import ConfigError

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

CALIBRATION_TIME: Final = Duration(least=1, most=86_400)
"""What `--calibrate` may be."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds `detect`."""
    parser = subparsers.add_parser(
        "detect",
        help="show alarms as they happen, on a live bus, standard input or a recording",
        description=(
            "Score frames as they come, and show each alarm when its rule fires and when it is "
            "over. Without FILE, --bus names a live bus (needs: can-train env --install formats)."
        ),
        epilog=epilog("detect"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector(parser)
    parser.add_argument(
        "file",
        nargs="?",
        type=file_text,
        metavar="FILE",
        help="a recording; - for lines of candump -L on standard input",
    )
    add_reading_options(
        parser, bus="INTERFACE:CHANNEL of a live bus; with FILE the name of its bus"
    )
    parser.add_argument("--fd", action="store_true", help="the bus, or standard input, is CAN FD")
    parser.add_argument(
        "--calibrate",
        type=CALIBRATION_TIME,
        metavar="TIME",
        help="raise the thresholds for this vehicle from its first traffic, such as 120s or 5min, "
        "which has to be benign; detection begins behind it",
    )
    parser.add_argument(
        "--realtime", action="store_true", help="replay FILE as fast as it was sent"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument(
        "--log",
        type=file_path,
        metavar="FILE",
        help="append the same objects, each on disk at once",
    )
    add_root_options(parser, "experiment")


def run(args: argparse.Namespace) -> int:
    """Shows alarms until the frames end; 0, or 130 where the user stopped it.

    Raises:
        ConfigError: No source of frames, or options that don't belong to it.
        PreflightError: No such run, or the bus can't be opened.
        DataError: The recording can't be read, or can't be calibrated on.
        ArtifactError: The detector is damaged.
    """
    _check(args)
    path = detector_path(args, "detect with")
    with loading():
        from can_train.cli.live import follow
        from can_train.detectors.loading import load_detector
        from can_train.streaming.opening import rehearse

        detector = load_detector(path, experiment_root=vars(args).get("experiment_root"))
        detector.limit_threads()
        if args.file is None:
            rehearse(detector, words=8 if args.fd else 1)
    source = source_of(args, args.file, 1.0 if args.realtime else None)
    try:
        return follow(args, detector, source)
    finally:
        source.stop()


def _check(args: argparse.Namespace) -> None:
    """Refuses what would do nothing.

    Raises:
        ConfigError: No source of frames, or options that don't belong to it.
        PreflightError: The log can't be written.
    """
    if args.file is None and args.bus is None:
        raise ConfigError(
            "detect: nothing to listen to. Name a recording, - for standard input, or a live bus: "
            "--bus socketcan:can0"
        )
    check_source(args, args.file)
    if args.realtime and args.file in (None, STDIN):
        raise ConfigError("--realtime has no effect on what comes as it is sent. Leave it out")
    if args.log is not None:
        require_writable("--log", args.log)
