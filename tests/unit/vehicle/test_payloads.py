"""Constant bits, lengths and counters of one ID."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.frames.frame import Frames
from can_train.vehicle.payloads import (
    always_constant,
    constants_of,
    counter_of,
    lengths_of,
)
from can_train.vehicle.profile import Step


def frames(payload: np.ndarray, dlc: int = 8) -> Frames:
    rows = len(payload)
    return Frames(
        timestamp=np.linspace(0.0, 0.01 * (rows - 1), rows),
        arbitration_id=np.full(rows, 0x100, np.uint32),
        dlc=np.full(rows, dlc, np.uint8),
        payload=np.ascontiguousarray(payload, np.uint8),
        label=np.zeros(rows, np.uint8),
    )


def payloads(rows: int = 300) -> np.ndarray:
    """Constant but for byte 2, of which one bit changes."""
    found = np.tile(np.array([1, 2, 3, 4, 5, 6, 7, 8], np.uint8), (rows, 1))
    found[rows // 2 :, 2] ^= 0x10
    return found


def test_all_bits_but_the_one_that_changed_are_constant() -> None:
    constant, value = constants_of([frames(payloads())])
    free = ~constant.view(np.uint8)
    assert free.tolist() == [0, 0, 0x10, 0, 0, 0, 0, 0]
    assert value.view(np.uint8)[0] == 1


def test_bits_that_differ_between_recordings_are_not_constant() -> None:
    other = payloads()
    other[:, 7] = 9
    constant, _ = constants_of([frames(payloads()), frames(other)])
    assert (~constant.view(np.uint8)).tolist() == [0, 0, 0x10, 0, 0, 0, 0, 8 ^ 9]


def test_a_bit_that_one_recording_alone_changes_costs_the_id_its_constants() -> None:
    usual = [frames(payloads()) for _ in range(3)]
    assert always_constant(usual)
    odd = payloads()
    odd[5, 0] = 0
    assert not always_constant([*usual, frames(odd)])
    assert always_constant([*usual, frames(odd), frames(odd)])


@pytest.mark.parametrize(
    ("shift", "modulus", "size"), [(0, 256, 1), (0, 16, 1), (4, 16, 3), (0, 16, 5)]
)
def test_a_counter_is_found_where_it_is(shift: int, modulus: int, size: int) -> None:
    payload = payloads()
    payload[:, 6] = ((np.arange(300) * size) % modulus) << shift
    step = counter_of([frames(payload)])
    assert step[Step.BYTE] == 6
    assert (step[Step.SHIFT], step[Step.MODULUS], step[Step.SIZE]) == (shift, modulus, size)


def test_constants_and_random_bytes_are_no_counters() -> None:
    payload = payloads()
    payload[:, 6] = np.random.default_rng(0).integers(0, 256, 300)
    assert counter_of([frames(payload)])[Step.MODULUS] == 0


def test_lengths_are_a_bit_set() -> None:
    assert lengths_of([frames(payloads(), 8), frames(payloads(), 3)]) == (1 << 8) | (1 << 3)
    assert lengths_of([frames(payloads(), 64)]) == 1 << 63
