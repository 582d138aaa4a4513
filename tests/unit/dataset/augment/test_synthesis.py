"""Recordings of a universe: what holds for all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.dataset.augment import (
    Recipe,
    SyntheticRecording,
    TrafficSource,
    Universe,
    recordings,
    synthesise,
)
from can_train.dataset.augment.attacks import KINDS, SUPPRESSION
from can_train.dataset.augment.draws import Range
from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG, Frames
from tests.draws import examples
from tests.unit.dataset.augment.traffic import CARS, assert_sound, car_frames
from tests.unit.frames_for_tests import make_frames

UNIVERSE = Universe(dataset_digest="0123", seed=7)
SMALL = Recipe(short=2, long=1, short_s=15.0, long_s=30.0, long_episode_s=Range(low=3.0, high=9.0))


def source(frames: Frames, vehicle: str = "kia") -> TrafficSource:
    return TrafficSource(frames=frames, vehicle=vehicle)


@st.composite
def benign_traffic(draw: st.DrawFn) -> Frames:
    """Any benign frames: few or many IDs of both kinds, equal and backward steps, any lengths."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    width = draw(st.sampled_from([8, 64]))
    n = draw(st.integers(2, 400))
    ids = rng.integers(0, 0x800, draw(st.integers(1, 20)), dtype=np.uint32)
    if draw(st.booleans()):
        ids[::2] = EXTENDED_FLAG | rng.integers(0, 1 << 29, len(ids[::2]), dtype=np.uint32)
    steps = rng.exponential(draw(st.sampled_from([1e-4, 1e-2, 1.0])), n)
    steps[rng.random(n) < 0.1] = 0.0
    steps[rng.random(n) < 0.05] *= -1
    steps[0] += 1e-3
    dlc = rng.choice([0, 3, 8, 64] if width == 64 else [0, 3, 8], n).astype(np.uint8)
    payload = rng.integers(0, 256, (n, width), dtype=np.uint8)
    payload[np.arange(width) >= dlc[:, None]] = 0
    start_s = draw(st.sampled_from([0.0, 1.6e9]))
    time_s = start_s + np.concatenate([[0.0], np.cumsum(steps)[1:] + 1e-3])
    return make_frames(time_s, rng.choice(ids, n), payload=payload, dlc=dlc)


def assert_consistent(made: SyntheticRecording) -> None:
    assert made.kind_of_frame.shape == made.frames.label.shape
    assert made.kind_of_frame.dtype == np.int8
    injected = (made.kind_of_frame >= 0) & (made.kind_of_frame != SUPPRESSION)
    assert np.array_equal(made.frames.label == 1, injected)
    labelled = {KINDS[k] for k in np.unique(made.kind_of_frame[injected])}
    assert labelled == {e.kind for e in made.episodes} - {"suppression"}
    for episode in made.episodes:
        assert 0 <= episode.start_s <= episode.end_s <= made.frames.timestamp[-1] + 1e-6
        assert episode.ids


@examples(60)
@given(benign_traffic(), st.integers(0, 2))
def test_any_benign_traffic_gives_sound_labelled_recordings(frames: Frames, number: int):
    digest = frames.digest()
    made = synthesise(source(frames), UNIVERSE, number, SMALL)
    assert_sound(made.frames, frames.payload.shape[1])
    assert_consistent(made)
    again = synthesise(source(frames), UNIVERSE, number, SMALL)
    assert made.frames.digest() == again.frames.digest()
    assert made.episodes == again.episodes
    assert frames.digest() == digest


@pytest.mark.parametrize("name", CARS)
def test_recordings_of_all_sorts_of_cars_are_sound(name: str):
    for made in recordings([source(CARS[name])], UNIVERSE, SMALL):
        assert_sound(made.frames, CARS[name].payload.shape[1])
        assert_consistent(made)


def test_read_only_sources_are_enough():
    frames = car_frames()
    for column in (frames.timestamp, frames.arbitration_id, frames.dlc, frames.payload):
        column.flags.writeable = False
    assert len(list(recordings([source(frames)], UNIVERSE, SMALL))) == 3


def test_numbers_and_seeds_make_other_recordings():
    car = source(CARS["standard"])
    other = Universe(dataset_digest="0123", seed=8)
    made = [synthesise(car, u, n, SMALL) for u in (UNIVERSE, other) for n in range(3)]
    assert len({recording.frames.digest() for recording in made}) == 6


def test_one_vehicle_gives_other_cars_only_and_two_give_both():
    many = replace(SMALL, short=12)
    alone = [r.vehicle for r in recordings([source(CARS["standard"])], UNIVERSE, many)]
    assert len(set(alone)) == 13
    assert "kia" not in alone
    pair = [source(CARS["standard"]), source(CARS["mixed"], "spark")]
    vehicles = Counter(r.vehicle for r in recordings(pair, UNIVERSE, many))
    assert vehicles["kia"] and vehicles["spark"] and len(vehicles) > 3


def test_a_recording_of_its_own_car_keeps_the_cars_ids():
    recipe = replace(SMALL, other_cars=0.0, left_out=KINDS)
    made = synthesise(source(CARS["standard"]), UNIVERSE, 0, recipe)
    assert set(made.frames.arbitration_id.tolist()) <= set(CARS["standard"].arbitration_id.tolist())
    assert made.vehicle == "kia"
    assert not made.frames.label.any()
    assert made.episodes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_left_out_never_occurs(kind: str):
    recipe = replace(SMALL, short=6, long=3, left_out=(kind,))
    kinds = {e.kind for r in recordings([source(CARS["mixed"])], UNIVERSE, recipe)
             for e in r.episodes}  # fmt: skip
    assert kind not in kinds
    assert len(kinds) > 5


def test_short_recordings_hold_every_kind_and_long_ones_take_turns():
    recipe = replace(Recipe(), short=30, long=13, short_s=20.0, long_s=20.0)
    made = list(recordings([source(CARS["standard"])], UNIVERSE, recipe))
    assert {e.kind for r in made[:30] for e in r.episodes} == set(KINDS)
    first = [r.episodes[0].kind for r in made[30:]]
    assert first == list(KINDS)
    assert {r.attack_windows for r in made[:30]} == {1.0}
    assert {r.attack_windows for r in made[30:]} == {0.25}


def test_episodes_last_from_one_frame_to_long():
    car = source(car_frames(duration_s=80.0))
    recipe = replace(Recipe(), short=8, long=4)
    made = list(recordings([car], UNIVERSE, recipe))
    lasts = [e.end_s - e.start_s for r in made for e in r.episodes]
    assert min(lasts) == 0.0
    assert max(lasts) > 15.0
    assert all(r.frames.timestamp[-1] <= 76.0 for r in made)


def test_no_recording_asks_more_of_the_bus_than_it_has():
    busy = make_frames(np.arange(150_000) / 2_500, np.arange(150_000) % 40)
    for made in recordings([source(busy)], UNIVERSE, replace(Recipe(), short=4, long=3)):
        seconds = np.bincount(made.frames.timestamp.astype(np.int64))
        assert seconds.max() < 9_000
        assert made.frames.timestamp[-1] / len(made.frames) > 1e-4


def test_long_recordings_come_from_sources_that_are_long_enough():
    pair = [source(car_frames(duration_s=10.0)), source(car_frames(duration_s=40.0))]
    recipe = replace(SMALL, short=0, long=3)
    assert all(r.frames.timestamp[-1] > 15.0 for r in recordings(pair, UNIVERSE, recipe))


def test_sources_with_attacks_or_nothing_are_refused():
    attacked = make_frames([0, 1, 2], [1, 2, 3], label=[0, 1, 0])
    with pytest.raises(DataError, match=r"a stretch of kia holds 1 attack frame\."):
        synthesise(source(attacked), UNIVERSE, 0, SMALL)
    with pytest.raises(DataError, match="too short to make"):
        synthesise(source(make_frames([1, 1], [1, 2])), UNIVERSE, 0, SMALL)
    with pytest.raises(DataError, match="no benign stretch"):
        next(recordings([], UNIVERSE, SMALL))


def test_a_pause_of_the_source_leaves_recordings_of_some_length():
    frames = car_frames(duration_s=60.0)
    later = np.where(frames.timestamp > frames.timestamp[0] + 30.0, 5_000.0, 0.0)
    paused = source(replace(frames, timestamp=frames.timestamp + later))
    made = [synthesise(paused, UNIVERSE, number, SMALL) for number in range(8)]
    assert np.median([len(one.frames) for one in made]) > 0.2 * len(frames) * 15 / 60
