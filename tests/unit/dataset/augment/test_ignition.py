"""A car that is switched on: who sends when, and what at first."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment.ignition import ignition
from can_train.dataset.augment.streams import CarTraffic
from tests.unit.dataset.augment.traffic import CARS, assert_sound, car_frames

SEEDS = range(30)


@pytest.mark.parametrize("name", CARS)
def test_what_is_left_is_sound_benign_and_the_car_stays_as_it_was(name: str):
    digest = CARS[name].digest()
    for seed in SEEDS:
        frames = ignition(CARS[name], np.random.default_rng(seed))
        assert_sound(frames, CARS[name].payload.shape[1])
        assert not frames.label.any()
        assert np.isin(frames.timestamp, CARS[name].timestamp).all()
        assert frames.digest() == ignition(CARS[name], np.random.default_rng(seed)).digest()
    assert CARS[name].digest() == digest


def test_some_ids_sleep_at_first_and_then_send_at_their_own_pace():
    whole, slept = CarTraffic.of(CARS["standard"]), 0
    for seed in SEEDS:
        car = CarTraffic.of(ignition(CARS["standard"], np.random.default_rng(seed)))
        for k, arbitration_id in enumerate(car.ids):
            before = int(np.flatnonzero(whole.ids == arbitration_id)[0])
            slept += bool(car.times_s(k)[0] > whole.times_s(before)[0] + 1.0)
            assert len(car.rows(k)) < 3 or car.period_s(k) == pytest.approx(whole.period_s(before))
    assert slept > 2 * len(SEEDS)


def test_ids_that_wake_up_may_have_no_values_yet():
    empty = 0
    for seed in SEEDS:
        frames = ignition(CARS["standard"], np.random.default_rng(seed))
        without = (frames.payload[:, 1] == 0) | (frames.payload[:, 1] == 255)
        empty += bool((without & (frames.dlc > 1)).any())
    assert empty > len(SEEDS) / 2


def test_a_recording_of_a_moment_stays_whole():
    frames = car_frames(duration_s=0.3)
    assert ignition(frames, np.random.default_rng(0)).digest() == frames.digest()
