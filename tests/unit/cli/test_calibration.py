"""Options of calibrating for another vehicle."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import pytest

from can_train.cli.calibration import (
    USUAL_MINUTES,
    add_calibration_options,
    show_calibration,
    wanted_calibration,
)
from can_train.cli.parser import Parser
from can_train.detectors.known_vehicle import profile_threshold
from can_train.detectors.recalibration import RaisedThreshold, Recalibration
from can_train.errors import ConfigError
from can_train.evaluation.new_vehicle import Calibrated


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser()
    add_calibration_options(parser)
    return parser.parse_args(words)


def test_nothing_is_wanted_by_default() -> None:
    assert wanted_calibration(parsed(), io.StringIO()) is None


def test_five_minutes_are_taken_unless_told() -> None:
    wanted = wanted_calibration(parsed("--calibrate-on", "a.log"), io.StringIO())
    assert wanted is not None
    assert (wanted.file, wanted.minutes) == (Path("a.log"), USUAL_MINUTES)
    words = ("--calibrate-on", "a.log", "--calibrate-minutes", "2.5")
    wanted = wanted_calibration(parsed(*words), io.StringIO())
    assert wanted is not None and wanted.minutes == 2.5


def test_minutes_without_a_recording_are_refused() -> None:
    with pytest.raises(ConfigError, match="--calibrate-minutes needs a recording: add"):
        wanted_calibration(parsed("--calibrate-minutes", "3"), io.StringIO())


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_minutes_that_are_none_are_refused(minutes: str) -> None:
    words = ("--calibrate-on", "a.log", "--calibrate-minutes", minutes)
    with pytest.raises(ConfigError, match="isn't allowed. Allowed: a number from 0.01"):
        wanted_calibration(parsed(*words), io.StringIO())


def test_what_it_costs_is_shown() -> None:
    before = profile_threshold(np.linspace(0, 1, 2000), 0.001)
    after = profile_threshold(np.linspace(0, 3, 2000), 0.001)
    raised = (
        RaisedThreshold(
            scorer="gat", before=before, after=after, alarms=(0.25, 0.001), found=(0.99, 0.875)
        ),
        RaisedThreshold(scorer="vgae", before=before, after=before, alarms=(0, 0), found=None),
    )
    result = Recalibration(
        windows=2000, duration_s=150.0, frames=100_000, raised=raised, vehicles=None
    )
    out = io.StringIO()
    show_calibration(Calibrated(file=Path("car.log"), digest="d", result=result), out)
    text = out.getvalue()
    assert "first 2.5 min of car.log (2,000 windows); nothing of the run is changed" in text
    gat, vgae = (line.split() for line in text.splitlines()[2:4])
    assert gat[3:] == ["25.00%", "0.10%", "99.00%", "87.50%"]
    assert vgae[5:] == ["n/a", "n/a"]
