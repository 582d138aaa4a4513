"""Unusual but benign: what gateways and recorders do."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment import oddities
from can_train.dataset.augment.oddities import RECORDER, odd
from tests.unit.dataset.augment.traffic import CARS, assert_sound

SEEDS = range(20)


@pytest.mark.parametrize("name", CARS)
def test_odd_traffic_is_sound_and_benign(name: str):
    digest = CARS[name].digest()
    for seed in SEEDS:
        frames = odd(CARS[name], np.random.default_rng(seed))
        assert_sound(frames, CARS[name].payload.shape[1])
        assert not frames.label.any()
        assert frames.digest() == odd(CARS[name], np.random.default_rng(seed)).digest()
    assert CARS[name].digest() == digest


@pytest.mark.parametrize("oddity", RECORDER)
def test_recorders_leave_payloads_alone(oddity: str):
    for seed in SEEDS:
        frames = RECORDER[oddity](CARS["standard"], np.random.default_rng(seed))
        assert_sound(frames)
        assert len(frames) == len(CARS["standard"]) or oddity == "lost"
        assert frames.payload.sum(dtype=np.int64) <= CARS["standard"].payload.sum(dtype=np.int64)


def test_few_frames_are_lost():
    kept = [len(oddities.lost(CARS["standard"], np.random.default_rng(s))) for s in SEEDS]
    assert 0.98 < min(kept) / len(CARS["standard"]) < max(kept) / len(CARS["standard"]) <= 1


def test_few_frames_are_delayed_each_by_itself():
    frames = CARS["standard"]
    late = oddities.delayed(frames, np.random.default_rng(1))
    moved = ~np.isin(late.timestamp, frames.timestamp)
    assert 0 < moved.sum() < 0.02 * len(frames)


def test_held_up_frames_come_at_once():
    found = 0
    for seed in SEEDS:
        frames = oddities.bursts(CARS["standard"], np.random.default_rng(seed))
        together = np.abs(np.diff(frames.timestamp) - oddities._TOGETHER_S) < 1e-9
        found += bool(together.sum() >= 3)
    assert found > len(SEEDS) / 2


def test_clock_steps_keep_stamps_from_running_backwards():
    steps = []
    for seed in SEEDS:
        frames = oddities.clock_steps(CARS["standard"], np.random.default_rng(seed))
        steps.append(frames.timestamp[-1] - CARS["standard"].timestamp[-1])
        assert np.array_equal(frames.arbitration_id, CARS["standard"].arbitration_id)
    assert min(steps) < 0 < max(steps)
    assert max(np.abs(steps)) <= oddities.MOST_CLOCK_STEPS * oddities.CLOCK_STEP_S.high


def test_a_polled_recorder_stamps_in_batches():
    for seed in SEEDS:
        frames = oddities.batches(CARS["standard"], np.random.default_rng(seed))
        late = frames.timestamp - CARS["standard"].timestamp
        assert np.array_equal(frames.arbitration_id, CARS["standard"].arbitration_id)
        assert -1e-9 <= late.min() and late.max() <= 2 * oddities.POLL_S.high
        gaps = np.diff(frames.timestamp)
        assert (gaps <= 1.01 * oddities.BATCH_SPACING_S.high).any()
        assert (gaps >= 0.5 * oddities.POLL_S.low).any()
