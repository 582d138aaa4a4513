"""Payloads of an attacker: what changes between frames, and what stays the genuine one's."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.dataset.augment.payloads import changing, fixed, forged, ramped

BASE = np.array([10, 20, 30, 40, 50, 60, 0, 0], np.uint8)
DLC = 6
FRAMES = 50


@pytest.mark.parametrize("seed", range(20))
def test_bytes_beyond_the_length_stay(seed: int) -> None:
    for make in (fixed, changing, forged):
        made = make(BASE, DLC, FRAMES, np.random.default_rng(seed))
        assert made.shape == (FRAMES, 8)
        assert (made[:, DLC:] == 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_fixed_payload_is_sent_again_and_again(seed: int) -> None:
    made = fixed(BASE, DLC, FRAMES, np.random.default_rng(seed))
    assert (made == made[0]).all()


@pytest.mark.parametrize("seed", range(20))
def test_of_a_changing_one_the_same_bytes_change(seed: int) -> None:
    made = changing(BASE, 8, FRAMES, np.random.default_rng(seed))
    moving = (made != made[0]).any(axis=0)
    assert 1 <= moving.sum() <= 7
    assert (made[:, ~moving] == BASE[~moving]).all()


def test_half_of_the_forged_ones_are_fixed() -> None:
    rng = np.random.default_rng(0)
    made = [forged(BASE, DLC, FRAMES, rng) for _ in range(400)]
    still = np.mean([(one == one[0]).all() for one in made])
    assert abs(still - 0.5) < 0.1


def test_a_ramp_drifts_in_one_byte_and_never_stands_still_at_first() -> None:
    truth = np.repeat(BASE[None], FRAMES, axis=0)
    made = ramped(truth, DLC, np.random.default_rng(3))
    moved = np.flatnonzero((made != truth).any(axis=0))
    assert len(moved) == 1 and moved[0] < DLC
    away = (made[:, moved[0]] - truth[:, moved[0]]).astype(np.uint8)
    assert away[0] == 1 and (np.diff(away.astype(int)) >= 0).all()
    assert (truth == BASE).all()  # the genuine payloads are left alone


def test_an_empty_payload_has_nothing_to_forge() -> None:
    empty, rng = np.zeros(8, np.uint8), np.random.default_rng(0)
    for seed in range(10):
        for make in (changing, forged, fixed):
            assert (make(empty, 0, FRAMES, np.random.default_rng(seed)) == 0).all()
    assert (ramped(np.zeros((FRAMES, 8), np.uint8), 0, rng) == 0).all()
