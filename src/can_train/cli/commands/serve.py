"""`can-train serve`: a page that shows a bus live, scores recordings and lists runs."""

from __future__ import annotations

import argparse
from typing import Final, TypeAlias

from can_train.cli.commands.detect import CALIBRATION_TIME
from can_train.cli.examples import epilog
from can_train.cli.options import add_root_options
from can_train.cli.outputs import require_writable
from can_train.cli.reading import add_reading_options, reading_options
from can_train.cli.sources import STDIN, check_source
from can_train.cli.trained import add_detector
from can_train.cli.values import Number, WholeNumber, file_path, file_text
from can_train.errors import ConfigError

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

USUAL_PORT: Final = 8765
USUAL_UPLOAD_MB: Final = 200
_PORT: Final = WholeNumber(least=0, most=65_535)
_UPLOAD_MB: Final = WholeNumber(least=1, most=100_000)
_SPEED: Final = Number(least=0.01, most=1000)


def add_parser(subparsers: Subparsers) -> None:
    """Adds `serve`."""
    parser = subparsers.add_parser(
        "serve",
        help="show a bus live on a page, score recordings there, and browse runs",
        description=(
            "Serve a page until Ctrl-C: the margin of a live bus or of a recording that is "
            "replayed, alarms as they come, and the IDs of the bus; events of recordings that "
            "are uploaded; with --runs the runs and their reports. It needs, once: can-train env "
            "--install live"
        ),
        epilog=epilog("serve"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector(parser, optional=True)
    stream = parser.add_argument_group("what is shown live")
    stream.add_argument(
        "--replay", type=file_text, metavar="FILE",
        help="a recording, as fast as it was sent; - for lines of candump -L on standard input",
    )  # fmt: skip
    add_reading_options(
        stream, bus="INTERFACE:CHANNEL of a live bus; with --replay the name of its bus"
    )
    stream.add_argument("--fd", action="store_true", help="the bus, or standard input, is CAN FD")
    stream.add_argument(
        "--speed", type=_SPEED, metavar="N",
        help="replay a recording so many times as fast (default: 1)",
    )  # fmt: skip
    stream.add_argument(
        "--calibrate", type=CALIBRATION_TIME, metavar="TIME",
        help="raise the thresholds for this vehicle from its first traffic, such as 120s or 5min, "
        "which has to be benign",
    )  # fmt: skip
    stream.add_argument(
        "--log", type=file_path, metavar="FILE",
        help="append events to a file, one JSON object per line, each on disk at once",
    )  # fmt: skip
    page = parser.add_argument_group("the page")
    page.add_argument("--runs", action="store_true", help="list the runs and their reports, too")
    page.add_argument(
        "--host", metavar="HOST", default="127.0.0.1",
        help="address to serve at; any but one of this machine alone needs a token, which is made "
        "and printed (default: %(default)s)",
    )  # fmt: skip
    page.add_argument(
        "--port", type=_PORT, metavar="N", default=USUAL_PORT,
        help="its port; 0: any free one (default: %(default)s)",
    )  # fmt: skip
    page.add_argument(
        "--token-file", type=file_path, metavar="FILE",
        help="the token in the first line of a file that only you can read",
    )  # fmt: skip
    page.add_argument(
        "--upload-limit", type=_UPLOAD_MB, metavar="MB",
        help=f"size of the largest recording that may be uploaded (default: {USUAL_UPLOAD_MB})",
    )  # fmt: skip
    add_root_options(parser, "experiment")
    parser.set_defaults(json=False)  # the terminal shows what `detect` shows people


def run(args: argparse.Namespace) -> int:
    """Serves until the user stops it; gives 130 then, as `detect` does.

    Raises:
        ConfigError: Nothing to show, or options that don't belong to it.
        PreflightError: A package is missing, the port is taken, or the bus can't be opened.
        DataError: The recording can't be read, or can't be calibrated on.
        ArtifactError: The detector is damaged.
    """
    _check(args)
    from can_train.serving.extra import require_page

    require_page()
    from can_train.cli.page import serve

    return serve(args)


def _check(args: argparse.Namespace) -> None:
    """Refuses what would do nothing.

    Raises:
        ConfigError: Nothing to show, or options that don't belong to it.
        PreflightError: The log can't be written.
    """
    live = args.bus is not None or args.replay is not None
    if args.name is None:
        typed = [*reading_options(args), *_typed(args, "replay", "fd", "speed", "calibrate", "log",
                                                 "upload_limit")]  # fmt: skip
        if typed:
            raise ConfigError(
                f"{', '.join(typed)}: needs a detector. Name a run or a bundle: can-train serve RUN"
            )
        if not args.runs:
            raise ConfigError(
                "serve: nothing to show. Name a run or a bundle, and what it watches: can-train "
                "serve RUN --bus socketcan:can0; or list the runs: can-train serve --runs"
            )
        return
    if not live:
        typed = [*reading_options(args), *_typed(args, "fd", "speed", "calibrate", "log")]
        if typed:
            raise ConfigError(
                f"{', '.join(typed)}: about a stream that isn't named. Add --replay FILE, or --bus "
                f"socketcan:can0"
            )
        return
    check_source(args, args.replay)
    if args.speed is not None and args.replay in (None, STDIN):
        raise ConfigError("--speed has no effect on what comes as it is sent. Leave it out")
    if args.log is not None:
        require_writable("--log", args.log)


def _typed(args: argparse.Namespace, *words: str) -> list[str]:
    return [f"--{word.replace('_', '-')}" for word in words if vars(args)[word]]
