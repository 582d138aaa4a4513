"""Windows take the largest score of their frames."""

from __future__ import annotations

import numpy as np

from can_train.vehicle.windows import largest_in


def test_each_window_has_the_largest_of_its_frames() -> None:
    score = np.random.default_rng(0).normal(size=400)
    for window, stride in ((50, 50), (50, 10), (7, 13)):
        start = np.arange(0, len(score) - window + 1, stride)
        expected = [score[at : at + window].max() for at in start]
        np.testing.assert_array_equal(largest_in(score, start, window), expected)


def test_the_last_window_ends_with_the_recording_and_none_is_fine() -> None:
    assert largest_in(np.array([1.0, 5.0]), np.array([0]), 2).tolist() == [5.0]
    assert len(largest_in(np.zeros(3), np.zeros(0, np.int64), 2)) == 0
