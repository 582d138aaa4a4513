"""What defines each attack that adds frames."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment import injections
from can_train.dataset.augment.attacks import ATTACKS, MakeAttack
from can_train.dataset.augment.bus import MOST_LOAD, BusShare
from can_train.dataset.augment.streams import CarTraffic
from can_train.frames.frame import EXTENDED_FLAG, Frames
from tests.unit.dataset.augment.traffic import CARS, assert_sound, opening_of
from tests.unit.frames_for_tests import make_frames

SEEDS = range(20)
ADDING = [a for a in ATTACKS if a.make.__module__ == injections.__name__]


def made(make: MakeAttack, name: str = "standard") -> list[Frames]:
    car = CarTraffic.of(CARS[name])
    forgeries = [make(car, opening_of(car), np.random.default_rng(seed)) for seed in SEEDS]
    assert not any(len(forgery.removed) for forgery in forgeries)
    return [forgery.added for forgery in forgeries if forgery.added is not None]


def ids_of(frames: Frames) -> set[int]:
    return set(frames.arbitration_id.tolist())


def mean_gap_s(frames: Frames) -> float:
    return float(np.ptp(frames.timestamp)) / max(len(frames) - 1, 1)


@pytest.mark.parametrize("attack", ADDING, ids=lambda attack: attack.name)
@pytest.mark.parametrize("name", CARS)
def test_added_frames_are_sound_labelled_and_possible(name: str, attack):
    for frames in made(attack.make, name):
        assert_sound(frames, CARS[name].payload.shape[1])
        assert frames.label.all()
        assert frames.timestamp[0] >= 8.0 and frames.timestamp[-1] < 13.0
        busy = BusShare.of(CARS[name])
        if len(frames) > 200:
            added = busy.duration_s(frames).sum() / 4.0
            assert busy.load + added < 1.1 * MOST_LOAD


@pytest.mark.parametrize("name", CARS)
def test_flood_repeats_one_id_the_car_lacks_as_often_as_the_bus_takes(name: str):
    known = ids_of(CARS[name])
    floods = made(injections.flood, name)
    assert len(floods) == len(SEEDS)
    for frames in floods:
        (flooding,) = ids_of(frames)
        assert flooding not in known
        assert mean_gap_s(frames) < 2.2 * injections.FLOOD_GAP_S.high
    assert any(ids_of(frames) == {0} for frames in floods)


def test_known_flood_repeats_an_id_of_the_car():
    for frames in made(injections.flood_known):
        (flooding,) = ids_of(frames)
        assert flooding in ids_of(CARS["standard"])
        assert len(frames) > 1_000


@pytest.mark.parametrize(("name", "is_extended"), [("standard", False), ("extended", True)])
def test_fuzzing_sends_new_ids_like_those_of_the_car(name: str, is_extended: bool):
    sent = made(injections.fuzz_new, name)
    assert max(len(ids_of(frames)) for frames in sent) > 100
    for frames in sent:
        assert ((frames.arbitration_id & EXTENDED_FLAG) != 0).all() == is_extended
        if len(ids := ids_of(frames)) > 20:
            assert len(ids - ids_of(CARS[name])) > 0.9 * len(ids)


def test_known_fuzzing_sends_the_cars_ids_and_lengths_with_any_payload():
    dlc = dict(zip(CARS["standard"].arbitration_id.tolist(), CARS["standard"].dlc, strict=True))
    for frames in made(injections.fuzz_known):
        assert all(
            dlc[i] == n for i, n in zip(frames.arbitration_id.tolist(), frames.dlc, strict=True)
        )
        if len(frames) > 100:
            assert len(ids_of(frames)) > 5
            assert len(np.unique(frames.payload, axis=0)) > 0.5 * len(frames)


def test_malfunction_is_one_id_faster_than_its_period():
    car = CarTraffic.of(CARS["standard"])
    changing = 0
    for frames in made(injections.malfunction):
        (victim,) = ids_of(frames)
        period_s = car.period_s(car.ids.tolist().index(victim))
        if len(frames) > 20:
            assert mean_gap_s(frames) < 0.95 * period_s
        changing += len(np.unique(frames.payload, axis=0)) > 1
    assert 0 < changing < len(SEEDS)


def test_single_frames_are_few_and_sometimes_one():
    numbers = [len(frames) for frames in made(injections.single)]
    assert min(numbers) == 1
    assert max(numbers) <= injections.SINGLE_FRAMES.high
    assert all(len(ids_of(frames)) == 1 for frames in made(injections.single))


def test_targeted_frames_come_right_after_genuine_ones():
    car = CarTraffic.of(CARS["standard"])
    for frames in made(injections.targeted):
        (victim,) = ids_of(frames)
        k = car.ids.tolist().index(victim)
        genuine = car.times_s(k)
        after = genuine[np.searchsorted(genuine, frames.timestamp) - 1]
        delay = frames.timestamp - after
        assert (delay > 0).all() and (delay < car.period_s(k)).all()
        assert np.ptp(delay) < 1e-6


def test_replayed_frames_were_there_before():
    whole = 0
    seen = {
        (i, p) for i, p in zip(CARS["standard"].arbitration_id.tolist(),
                               map(bytes, CARS["standard"].payload), strict=True)
    }  # fmt: skip
    for frames in made(injections.replay):
        found = zip(frames.arbitration_id.tolist(), map(bytes, frames.payload), strict=True)
        assert set(found) <= seen
        assert np.isin(
            np.round(frames.timestamp - 4.0, 9), np.round(CARS["standard"].timestamp, 9)
        ).all()
        whole += len(ids_of(frames)) > 1
    assert 0 < whole < len(SEEDS)


@pytest.mark.parametrize("name", CARS)
def test_sweeps_go_upwards(name: str):
    for frames in made(injections.sweep, name):
        step = np.diff(frames.arbitration_id.astype(np.int64))
        assert ((step == 0) | (step == 1)).mean() > 0.99


def test_known_sweeps_go_through_the_cars_ids():
    known = np.unique(CARS["standard"].arbitration_id).tolist()
    for frames in made(injections.sweep_known):
        place = np.array([known.index(i) for i in frames.arbitration_id.tolist()])
        assert set((np.diff(place) % len(known)).tolist()) <= {0, 1}


def test_floods_jitter_as_real_ones_do():
    spread = [np.diff(f.timestamp).std() / mean_gap_s(f) for f in made(injections.flood)]
    assert 0.005 < min(spread) < 0.1 < 0.15 < max(spread) < 0.35


def test_a_car_without_an_occasion_is_left_alone():
    car = CarTraffic.of(make_frames([0, 1, 20], [1, 1, 1]))
    assert injections.targeted(car, opening_of(car), np.random.default_rng(0)).added is None
