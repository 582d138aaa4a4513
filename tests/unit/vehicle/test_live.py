"""Profiles on a stream: the windows' deviations of whole recordings, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.graphs.live import LiveGraphs
from can_train.vehicle.live import LiveWatch
from can_train.vehicle.profile import SILENT
from can_train.vehicle.windows import frame_scores, largest_in
from tests.unit.datasets_for_tests import spec_of
from tests.unit.vehicle.cars_for_tests import attacked, fd_profile, profile


@pytest.mark.parametrize(("window", "stride"), [(50, 50), (50, 20), (20, 70)])
def test_deviations_are_those_of_the_recording(window: int, stride: int) -> None:
    profiles = (profile("alpha"), profile("bravo"))
    frames = attacked("bravo", "fuzz-known").frames[:12_000]
    live = LiveGraphs(spec_of(window, stride))
    watch = LiveWatch(profiles, window=window, stride=stride)
    found = [
        watch.follow(live)
        for begin in range(0, len(frames), 333)
        for _ in live.windows_of(frames[begin : begin + 333])
    ]
    starts = stride * np.arange(len(found))
    expected = largest_in(frame_scores(profiles, frames), starts, window)
    assert np.array_equal(found, expected)
    assert min(found) == SILENT < max(found)


def test_classic_streams_are_compared_with_a_can_fd_profile() -> None:
    profiles = (fd_profile("alpha"), profile("bravo"))
    frames = attacked("alpha", "fuzz-known").frames[:12_000]
    live = LiveGraphs(spec_of(50, 50))
    watch = LiveWatch(profiles, window=50, stride=50)
    found = [watch.follow(live) for _ in live.windows_of(frames)]
    wide = frame_scores(profiles, frames.widened(64))
    assert np.array_equal(found, largest_in(wide, 50 * np.arange(len(found)), 50))
    assert min(found) == SILENT < max(found)
