"""The index by ID."""

from __future__ import annotations

import numpy as np

from can_train.dataset.augment.streams import CarTraffic, at_times, by_time, cleared
from tests.unit.frames_for_tests import make_frames


def test_rows_and_periods_of_each_id():
    car = CarTraffic.of(make_frames([3, 0, 1, 2, 1.5], [7, 7, 7, 7, 2], dlc=[8, 8, 3, 8, 8]))
    assert car.ids.tolist() == [2, 7]
    assert car.frames.timestamp.tolist() == [0, 1, 1.5, 2, 3]
    assert car.rows(0).tolist() == [2]
    assert car.rows(1).tolist() == [0, 1, 3, 4]
    assert car.period_s(1) == 1.0
    assert car.shortest_dlc(1) == 3
    assert car.counts.tolist() == [1, 4]
    assert car.counts_between(1.0, 3.0).tolist() == [1, 2]
    assert [car.latest(1, at_s) for at_s in (-1.0, 1.0, 1.1, 9.0)] == [0, 0, 1, 4]


def test_only_allowed_ids_are_picked():
    car = CarTraffic.of(make_frames(np.arange(30), np.arange(30) % 3))
    rng = np.random.default_rng(0)
    assert {car.pick(np.array([True, False, True]), rng) for _ in range(50)} == {0, 2}
    assert car.pick(np.zeros(3, np.bool_), rng) is None


def test_frames_of_one_time_keep_their_order():
    frames = make_frames([1, 0, 1, 0], [1, 2, 3, 4])
    assert by_time(frames).arbitration_id.tolist() == [2, 4, 1, 3]
    assert at_times(frames, np.array([-1.0, 2, 1, 0])).timestamp.tolist() == [0, 0, 1, 2]


def test_bytes_beyond_the_length_are_cleared():
    payload = np.full((2, 8), 9, np.uint8)
    assert cleared(payload, np.array([0, 3], np.uint8)).sum(axis=1).tolist() == [0, 27]
