"""Unusual but benign: what IDs do."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment import habits
from can_train.dataset.augment.oddities import HABITS
from can_train.dataset.augment.streams import CarTraffic
from tests.unit.dataset.augment.traffic import CARS, assert_sound, car_frames

SEEDS = range(30)


def cars_after(name: str, habit: str) -> list[CarTraffic]:
    car = CarTraffic.of(CARS[name])
    return [HABITS[habit](car, np.random.default_rng(seed)) for seed in SEEDS]


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("name", CARS)
def test_habits_are_sound_benign_and_leave_their_car_alone(name: str, habit: str):
    digest = CARS[name].digest()
    for car in cars_after(name, habit):
        assert_sound(car.frames, CARS[name].payload.shape[1])
        assert not car.frames.label.any()
        assert np.array_equal(car.ids[car.stream], car.frames.arbitration_id)
    assert CARS[name].digest() == digest


def test_on_change_ids_stay_cyclic_and_send_more_when_a_flag_changes():
    before, found = CarTraffic.of(CARS["standard"]), 0
    for car in cars_after("standard", "on-change"):
        for k in np.flatnonzero(car.counts > before.counts).tolist():
            assert before.period_s(k) >= 0.045
            assert car.counts[k] - before.counts[k] < before.counts[k]
            payload = car.frames.payload[car.rows(k)]
            flags = np.bitwise_or.reduce(payload[:, 1:] ^ payload[0, 1:], axis=0)
            assert sum(int(flag).bit_count() for flag in flags) <= 2
            found += 1
    assert found > 10


def test_rates_start_late_stop_slow_down_and_speed_up():
    before = CarTraffic.of(CARS["standard"])
    late = stopped = slower = faster = 0
    for car in cars_after("standard", "rates"):
        for k, arbitration_id in enumerate(before.ids):
            times = car.frames.timestamp[car.frames.arbitration_id == arbitration_id]
            if len(times) < 10:
                continue
            late += times[0] > 1.0
            stopped += times[-1] < 15.0
            gaps = np.diff(times) / before.period_s(k)
            slower += bool((np.abs(gaps - 2) < 0.01).sum() > 3)
            faster += bool((np.abs(gaps - 0.5) < 0.01).sum() > 3)
    assert min(late, stopped, slower, faster) > 0


def test_signals_move_bytes_within_the_length_and_start_at_rest():
    before = CARS["standard"].payload
    moved = 0
    for car in cars_after("standard", "signals"):
        changed = (car.frames.payload != before).any(axis=1)
        assert np.array_equal(car.frames.timestamp, CARS["standard"].timestamp)
        assert not changed[CARS["standard"].timestamp < 0.3].any()
        moved += bool(changed.any())
    assert moved > len(SEEDS) / 2


def test_checksums_depend_on_all_other_bytes():
    found = 0
    for car in cars_after("standard", "checksums"):
        for k in range(len(car.ids)):
            rows = car.rows(k)
            changed = (car.frames.payload[rows] != CARS["standard"].payload[rows]).any(axis=0)
            for byte in np.flatnonzero(changed):
                others = np.delete(car.frames.payload[rows][:, : car.shortest_dlc(k)], byte, axis=1)
                xor = np.bitwise_xor.reduce(others, axis=1) ^ car.frames.payload[rows, byte]
                rest = car.frames.payload[rows, byte] - others.sum(axis=1, dtype=np.uint8)
                found += len(set(xor.tolist())) == 1 or len(set(rest.tolist())) == 1
    assert found > 5


def test_an_event_tells_the_new_flag_and_is_the_latest_frame_otherwise():
    car = CarTraffic.of(car_frames(duration_s=30.0))
    k = 5  # 0.1 s
    toggle = habits._Toggle(
        victim=k, time_s=np.array([10.0]), bits=np.array([0, 1, 0, 0, 0, 0, 0, 0], np.uint8)
    )
    events = habits._events(car, toggle, np.random.default_rng(0))
    latest = car.frames.payload[car.latest(k, 10.0)]
    assert events.timestamp[0] == 10.0
    assert (events.payload[0] ^ latest).tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
