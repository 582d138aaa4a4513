"""What the drivers do, as signals over time."""

from __future__ import annotations

import numpy as np

from can_train.dataset.synth.signals import GRID_US, SIGNALS, Signal, drive, sample


def test_signals_stay_in_range_and_change_slowly():
    signals = drive(20_000_000, np.random.default_rng(1))
    assert set(signals) == set(SIGNALS)
    for name, values in signals.items():
        assert values.min() >= 0, name
        assert values.max() <= 0xFFFF, name
        assert np.abs(np.diff(values)).max() <= 0xFFFF // 50, name
    assert np.ptp(signals["speed"]) > 1_000


def test_sample_is_straight_between_two_points_of_the_grid():
    signals: dict[Signal, np.ndarray] = {"speed": np.array([100, 200, 150], dtype=np.int64)}
    at = np.array([0, GRID_US // 4, GRID_US, GRID_US + GRID_US // 2], dtype=np.int64)
    assert sample(signals, at)["speed"].tolist() == [100, 125, 200, 175]
