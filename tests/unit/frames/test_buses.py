"""Several buses in one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.buses import buses_of
from can_train.frames.result import ReadResult
from tests.unit.frames_for_tests import make_frames

FRAMES = make_frames(np.arange(6) / 10, [1, 2, 1, 3, 1, 2])
BOTH = ReadResult(
    frames=FRAMES,
    format="candump",
    labelled=False,
    bus=np.array([0, 1, 0, 1, 0, 1], np.uint8),
    bus_names=("can0", "can1"),
)
PATH = Path("drive.log")


def test_each_bus_has_its_own_frames() -> None:
    found = {bus.name: bus.frames.arbitration_id.tolist() for bus in buses_of(PATH, BOTH, None)}
    assert found == {"can0": [1, 1, 1], "can1": [2, 3, 2]}


def test_one_bus_keeps_the_name_of_the_file() -> None:
    (only,) = buses_of(PATH, BOTH, "can1")
    assert (only.name, only.frames.arbitration_id.tolist()) == ("", [2, 3, 2])
    alone = replace(BOTH, bus=np.zeros(6, np.uint8), bus_names=("can0",))
    (only,) = buses_of(PATH, alone, "can0")
    assert (only.name, len(only.frames)) == ("", 6)


def test_bus_that_is_not_there() -> None:
    with pytest.raises(DataError) as caught:
        list(buses_of(PATH, BOTH, "can7"))
    assert str(caught.value) == (
        "drive.log: no bus can7. There are: can0, can1; without --bus each becomes a recording"
    )
    unnamed = replace(BOTH, bus=None, bus_names=())
    assert len(next(buses_of(PATH, unnamed, "can7")).frames) == 6
