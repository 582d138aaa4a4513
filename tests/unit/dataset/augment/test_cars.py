"""Another car is another one, and still a car."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment.bus import MOST_GENUINE_LOAD, load_of
from can_train.dataset.augment.cars import other_car, renamed
from can_train.dataset.augment.streams import CarTraffic
from can_train.frames.frame import EXTENDED_FLAG
from tests.unit.dataset.augment.traffic import CARS, assert_sound
from tests.unit.frames_for_tests import make_frames

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CARS)
def test_another_car_is_sound(name: str, seed: int):
    other = other_car(CARS[name], np.random.default_rng(seed))
    assert_sound(other, CARS[name].payload.shape[1])
    assert other.timestamp[0] == 0
    assert not other.label.any()
    assert len(other) <= len(CARS[name])
    extended = np.unique(other.arbitration_id) & EXTENDED_FLAG
    assert extended.all() == (name == "extended")
    assert set(other.dlc.tolist()) <= set(CARS[name].dlc.tolist())


def test_half_of_the_cars_keep_the_order_of_priorities():
    ids = CarTraffic.of(CARS["mixed"]).ids
    keep = 0
    for seed in range(200):
        new = renamed(ids, np.random.default_rng(seed))
        assert len(set(new.tolist())) == len(ids)
        assert ((new & EXTENDED_FLAG) == (ids & EXTENDED_FLAG)).all()
        keep += bool((np.diff(new.astype(np.int64)) > 0).all())
    assert 80 <= keep <= 120


def test_every_standard_id_can_be_renamed():
    ids = np.arange(2048, dtype=np.uint32)
    assert np.sort(renamed(ids, np.random.default_rng(0))).tolist() == ids.tolist()


def test_all_periods_change_by_one_factor_and_some_ids_are_dropped():
    factors, dropped = [], 0
    for seed in SEEDS:
        other = CarTraffic.of(other_car(CARS["standard"], np.random.default_rng(seed)))
        dropped += len(other.ids) < 8
        periods = np.array([other.period_s(k) for k in range(len(other.ids))])
        factor = periods[:, None] / np.array([0.01, 0.02, 0.05, 0.1, 0.5])
        # The factor that explains all periods, jitter aside.
        spread = [np.abs(f / factor - 1).min(axis=1).max() for f in factor.ravel()]
        assert min(spread) < 0.05
        factors.append(factor.ravel()[int(np.argmin(spread))])
    assert dropped
    assert 0.45 < min(factors) < 0.9 < 1.1 < max(factors) < 2.2


def test_a_busy_bus_gets_no_faster_than_it_can():
    busy = make_frames(np.arange(40_000) / 2_500, np.arange(40_000) % 30)
    for seed in SEEDS:
        other = other_car(busy, np.random.default_rng(seed))
        assert load_of(other) <= MOST_GENUINE_LOAD * 1.02


def test_payload_bytes_change_places_and_values_consistently():
    moved = masked = 0
    ids = CARS["can-fd"].arbitration_id
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        other = CarTraffic.of(other_car(CARS["can-fd"], rng))
        for k in range(len(other.ids)):
            payload = other.frames.payload[other.rows(k)]
            changing = np.flatnonzero((payload != payload[0]).any(axis=0))
            assert len(changing) <= 1  # the counter, wherever it stands now
            moved += changing.tolist() not in ([], [0])
            masked += bool(len(changing)) and bool(payload[0, changing[0]])
    assert moved and masked
    assert np.array_equal(ids, CARS["can-fd"].arbitration_id)


def test_jitter_is_a_share_of_the_ids_own_period():
    regular = jittered = 0
    for seed in SEEDS:
        other = CarTraffic.of(other_car(CARS["standard"], np.random.default_rng(seed)))
        for k in range(len(other.ids)):
            spread = np.diff(other.times_s(k)).std() / other.period_s(k)
            assert spread < 0.25
            regular += spread < 1e-6
            jittered += spread > 1e-3
    assert regular and jittered
