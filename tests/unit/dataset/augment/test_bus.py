"""How long frames take and how they wait."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment.bus import (
    MOST_GENUINE_LOAD,
    MOST_LOAD,
    BusShare,
    frame_bits,
    load_of,
    waiting_s,
)
from tests.unit.dataset.augment.traffic import CARS, EXTENDED
from tests.unit.frames_for_tests import make_frames


def test_bits_of_standard_extended_and_flexible_frames():
    frames = make_frames(
        [0, 1, 2, 3], [1, 1, EXTENDED[0], 1], dlc=[0, 8, 8, 64], payload=np.zeros((4, 64))
    )
    assert frame_bits(frames).tolist() == [47, 111, 131, 30 + (28 + 512) / 4]


def test_frames_wait_for_those_before_them():
    ready = np.array([0.0, 1.0, 1.5, 9.0])
    assert waiting_s(ready, np.full(4, 2.0)).tolist() == [0.0, 1.0, 2.5, 0.0]
    assert waiting_s(np.empty(0), np.empty(0)).tolist() == []


def test_load_is_the_share_of_time_on_the_bus():
    frames = make_frames(np.arange(1001) / 1000, np.ones(1001))
    assert load_of(frames) == pytest.approx(0.222, rel=0.01)
    assert load_of(make_frames([1.0, 1.0], [1, 1])) == 0


def test_a_recording_too_busy_for_500_kbit_has_a_faster_bus():
    frames = make_frames(np.arange(10_001) / 10_000, np.ones(10_001))
    share = BusShare.of(frames)
    assert share.load == MOST_GENUINE_LOAD
    assert share.duration_s(frames).sum() == pytest.approx(MOST_GENUINE_LOAD, rel=1e-6)


@pytest.mark.parametrize("name", CARS)
def test_added_frames_at_the_shortest_gap_fill_the_bus_and_no_more(name: str):
    share = BusShare.of(CARS[name])
    added = 111 * share.bit_time_s / share.shortest_gap_s(8)
    assert share.load + added == pytest.approx(MOST_LOAD)
