"""What defines each attack that keeps genuine frames from the bus."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment import replacements
from can_train.dataset.augment.forgery import Forgery, Opening
from can_train.dataset.augment.streams import CarTraffic, take
from tests.unit.dataset.augment.traffic import CARS, assert_sound, opening_of
from tests.unit.frames_for_tests import make_frames

SEEDS = range(40)
CAR = CarTraffic.of(CARS["standard"])


def forgeries(name: str, make) -> list[Forgery]:
    car = CarTraffic.of(CARS[name])
    return [make(car, opening_of(car), np.random.default_rng(seed)) for seed in SEEDS]


@pytest.mark.parametrize("make", [replacements.masquerade, replacements.late_id])
@pytest.mark.parametrize("name", CARS)
def test_sent_frames_are_sound_labelled_and_of_one_id(name: str, make):
    for forgery in forgeries(name, make):
        assert forgery.added is not None
        assert_sound(forgery.added, CARS[name].payload.shape[1])
        assert forgery.added.label.all()
        assert len(set(forgery.added.arbitration_id.tolist())) == 1
        assert forgery.added.timestamp[0] >= 8.0 and forgery.added.timestamp[-1] <= 12.0


def test_masquerade_replaces_every_frame_of_its_id_and_no_other():
    for forgery in forgeries("standard", replacements.masquerade):
        assert forgery.added is not None
        k = CAR.ids.tolist().index(forgery.added.arbitration_id[0])
        rows = CAR.rows(k)
        time_s = CAR.frames.timestamp[rows]
        assert forgery.removed.tolist() == rows[(time_s >= 8.0) & (time_s < 12.0)].tolist()
        assert 0.7 < len(forgery.added) / len(forgery.removed) <= 1.5


def test_a_masquerade_is_never_what_it_replaces():
    for forgery in forgeries("standard", replacements.masquerade):
        assert forgery.added is not None
        genuine = take(CAR.frames, forgery.removed)
        if np.array_equal(genuine.timestamp, forgery.added.timestamp):
            assert (genuine.payload != forgery.added.payload).any(axis=1).all()


def test_a_constant_payload_is_never_masqueraded_by_itself():
    car = CarTraffic.of(make_frames(np.arange(0, 20, 0.01), np.arange(2000) % 3))
    same_times = 0
    for seed in SEEDS:
        forgery = replacements.masquerade(car, opening_of(car), np.random.default_rng(seed))
        assert forgery.added is not None
        if np.array_equal(car.frames.timestamp[forgery.removed], forgery.added.timestamp):
            same_times += 1
            assert forgery.added.payload.any(axis=1).all()
    assert same_times


def test_suppression_silences_one_to_three_ids_and_sends_nothing():
    numbers = set()
    for forgery in forgeries("standard", replacements.suppression):
        assert forgery.added is None
        silent = np.unique(CAR.stream[forgery.removed])
        numbers.add(len(silent))
        present = CAR.stream[CAR.between(8.0, 12.0)]
        assert len(forgery.removed) == np.isin(present, silent).sum()
    assert numbers == {1, 2, 3}


def test_a_late_id_was_silent_from_the_start():
    for forgery in forgeries("standard", replacements.late_id):
        assert forgery.added is not None
        k = CAR.ids.tolist().index(forgery.added.arbitration_id[0])
        assert forgery.removed.tolist() == CAR.rows(k).tolist()


def test_a_late_id_was_never_attacked_before():
    untouched = np.arange(len(CAR.ids)) == 3
    opening = Opening(
        start_s=8.0, end_s=12.0, victims=np.ones(len(CAR.ids), np.bool_), untouched=untouched
    )
    for seed in SEEDS:
        forgery = replacements.late_id(CAR, opening, np.random.default_rng(seed))
        assert forgery.added is not None
        assert forgery.added.arbitration_id[0] == CAR.ids[3]


def test_the_only_id_is_neither_suppressed_nor_late():
    car = CarTraffic.of(make_frames(np.arange(0, 20, 0.1), np.ones(200)))
    for make in (replacements.suppression, replacements.late_id):
        forgery = make(car, opening_of(car), np.random.default_rng(0))
        assert forgery.added is None and not len(forgery.removed)
