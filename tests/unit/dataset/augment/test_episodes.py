"""Attacks within traffic."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from can_train.dataset.augment.attacks import ATTACKS, KINDS
from can_train.dataset.augment.draws import Range
from can_train.dataset.augment.episodes import (
    BENIGN,
    Attacked,
    Rhythm,
    attack,
    kinds_by_weight,
    kinds_in_turn,
)
from can_train.dataset.augment.streams import CarTraffic
from can_train.frames.frame import Frames
from tests.unit.dataset.augment.traffic import CARS, assert_sound, car_frames

RHYTHM = Rhythm(
    warm_up_s=Range(low=2.0, high=8.0),
    episode_s=Range(low=0.3, high=5.0),
    quiet_s=Range(low=0.5, high=5.0),
    in_turn=False,
)
CAR = CarTraffic.of(CARS["standard"])


def attacked(*kinds: str, seed: int = 0, car: CarTraffic = CAR) -> Attacked:
    return attack(car, RHYTHM, kinds, 0, np.random.default_rng(seed))


def rows_of(frames: Frames) -> Counter[tuple[int, bytes]]:
    return Counter(zip(frames.arbitration_id.tolist(), map(bytes, frames.payload), strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CARS)
def test_labels_kinds_and_episodes_agree(name: str, kind: str):
    car = CarTraffic.of(CARS[name])
    made = attacked(kind, car=car)
    assert_sound(made.frames, CARS[name].payload.shape[1])
    assert made.episodes
    assert {episode.kind for episode in made.episodes} == {kind}
    of_kind = made.kind_of_frame == KINDS.index(kind)
    assert of_kind.any()
    assert np.array_equal(of_kind, made.kind_of_frame != BENIGN)
    assert made.kind_of_frame.dtype == np.int8
    if kind == "suppression":
        assert not made.frames.label.any()
    else:
        assert np.array_equal(made.frames.label == 1, of_kind)
    for episode in made.episodes:
        inside = (made.frames.timestamp >= episode.start_s) & (
            made.frames.timestamp <= episode.end_s
        )
        assert of_kind[inside].any()
        assert 2.0 <= episode.start_s <= episode.end_s
    times = [time for e in made.episodes for time in (e.start_s, e.end_s)]
    assert times == sorted(times)


def test_genuine_frames_stay_and_are_only_late():
    made = attacked("flood", "fuzz-new", "malfunction")
    genuine = made.frames[made.frames.label == 0]
    assert rows_of(genuine) == rows_of(CAR.frames)
    late = genuine.timestamp - CAR.frames.timestamp
    assert 0 < late.max() < 0.02


def test_replaced_frames_are_gone():
    made = attacked("masquerade")
    genuine = made.frames[made.frames.label == 0]
    assert rows_of(genuine) < rows_of(CAR.frames)


def test_a_suppressed_stretch_lasts_till_the_id_is_back():
    made = attacked("suppression", seed=3)
    for episode in made.episodes:
        for arbitration_id in episode.ids:
            times = made.frames.timestamp[made.frames.arbitration_id == arbitration_id]
            inside = times[(times >= episode.start_s) & (times < episode.end_s)]
            k = CAR.ids.tolist().index(arbitration_id)
            before = times[times < episode.start_s]
            assert not len(before) or episode.start_s - before[-1] < 1.5 * CAR.period_s(k)
            assert len(inside) <= 1 + 0.5 / CAR.period_s(k)  # at most till a slower ID is back


def test_a_late_id_is_nobodys_victim_again():
    for seed in range(20):
        made = attacked("late-id", "malfunction", "single", seed=seed)
        late = {i for e in made.episodes if e.kind == "late-id" for i in e.ids}
        others = [set(e.ids) for e in made.episodes if e.kind != "late-id"]
        assert not any(late & ids for ids in others)
        assert len(late) == sum(e.kind == "late-id" for e in made.episodes)


def test_without_kinds_traffic_stays_benign():
    made = attacked()
    assert made.episodes == ()
    assert (made.kind_of_frame == BENIGN).all()
    assert rows_of(made.frames) == rows_of(CAR.frames)
    np.testing.assert_allclose(made.frames.timestamp, CAR.frames.timestamp, atol=1e-6)


def test_kinds_come_as_often_as_they_weigh():
    count: Counter[int] = Counter()
    for seed in range(300):
        count.update(islice(kinds_by_weight(KINDS, np.random.default_rng(seed)), 10))
    weight = np.array([a.weight for a in ATTACKS])
    share = np.array([count[k] for k in range(len(KINDS))]) / 3000
    np.testing.assert_allclose(share, weight / weight.sum(), atol=0.01)


def test_kinds_in_turn_start_anywhere():
    assert list(islice(kinds_in_turn(("single", "flood"), 3), 3)) == [
        KINDS.index(kind) for kind in ("flood", "single", "flood")
    ]


def test_a_flood_fills_the_bus_but_not_more():
    car = CarTraffic.of(car_frames(duration_s=40.0))
    made = attack(
        car,
        Rhythm(
            warm_up_s=Range(low=2.0, high=3.0),
            episode_s=Range(low=30.0, high=30.0),
            quiet_s=Range(low=9.0, high=9.0),
            in_turn=True,
        ),
        ("flood",),
        0,
        np.random.default_rng(5),
    )
    assert made.episodes[0].end_s - made.episodes[0].start_s == pytest.approx(30.0, rel=0.05)
    seconds = np.bincount(made.frames.timestamp.astype(np.int64))
    assert seconds.max() < 9_000
