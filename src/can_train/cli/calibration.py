"""Options that calibrate a finished run for another vehicle, and what is shown of it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TextIO

from can_train.cli.reading import reading_of
from can_train.cli.values import Number, file_path
from can_train.errors import ConfigError, counted
from can_train.tables import write_table

if TYPE_CHECKING:
    from can_train.detectors.recalibration import Recalibration
    from can_train.evaluation.new_vehicle import Calibrated, CalibrateOn

USUAL_MINUTES: Final = 5.0
_MINUTES: Final = Number(least=0.01, most=10_000)

_HEADER: Final = (
    "scorer", "threshold", "for this vehicle", "alarms here", "then", "attacks found", "then",
)  # fmt: skip


def add_calibration_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--calibrate-on` and `--calibrate-minutes`."""
    parser.add_argument(
        "--calibrate-on", type=file_path, metavar="FILE",
        help="raise the thresholds for the vehicle of this recording, from its first minutes",
    )  # fmt: skip
    parser.add_argument(
        "--calibrate-minutes", type=_MINUTES, metavar="N",
        help=f"minutes of benign traffic at its beginning (default {USUAL_MINUTES:g}, or all of a "
        "shorter one)",
    )  # fmt: skip


def wanted_calibration(args: argparse.Namespace, out: TextIO) -> CalibrateOn | None:
    """What was asked for; what comes of it is shown on `out`.

    Raises:
        ConfigError: Minutes without a recording.
    """
    minutes = args.calibrate_minutes
    if minutes is not None and args.calibrate_on is None:
        raise ConfigError("--calibrate-minutes needs a recording: add --calibrate-on FILE")
    if args.calibrate_on is None:
        return None
    from can_train.evaluation.new_vehicle import CalibrateOn

    return CalibrateOn(
        file=args.calibrate_on,
        minutes=USUAL_MINUTES if minutes is None else minutes,
        reading=replace(reading_of(args), labels=None),
        tell=lambda calibrated: show_calibration(calibrated, out),
    )


def show_calibration(calibrated: Calibrated, out: TextIO) -> None:
    """Thresholds before and after, and what they cost in detection."""
    minutes = calibrated.result.duration_s / 60
    what = f"calibrated on the first {minutes:.1f} min of {calibrated.file}"
    show_thresholds(what, calibrated.result, out)


def show_thresholds(what: str, result: Recalibration, out: TextIO) -> None:
    """The same of any stretch, behind a line that says `what` was done."""
    out.write(f"{what} ({counted(result.windows, 'window')}); nothing of the run is changed\n")
    rows = [
        [
            each.scorer,
            f"{each.before.value:.6g}",
            f"{each.after.value:.6g}",
            *(f"{share:.2%}" for share in each.alarms),
            *(("n/a", "n/a") if each.found is None else (f"{s:.2%}" for s in each.found)),
        ]
        for each in result.raised
    ]
    write_table(out, _HEADER, rows)
    out.write("attacks found: of the held-out attack windows of training\n\n")
