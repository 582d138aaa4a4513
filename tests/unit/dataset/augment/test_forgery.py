"""Frames of an attacker: labelled, and clean beyond their lengths."""

from __future__ import annotations

import numpy as np

from can_train.dataset.augment.forgery import NOTHING, sent

TIME = np.array([1.0, 1.5, 2.0])
PAYLOAD = np.full((3, 8), 0xAB, np.uint8)


def test_frames_are_labelled_and_sent_under_one_id_or_many() -> None:
    one = sent(TIME, np.uint32(0x123), PAYLOAD, 8).added
    assert one is not None
    assert one.label.tolist() == [1, 1, 1]
    assert one.arbitration_id.tolist() == [0x123] * 3
    many = sent(TIME, np.array([1, 2, 3], np.uint32), PAYLOAD, 8).added
    assert many is not None
    assert many.arbitration_id.tolist() == [1, 2, 3]


def test_bytes_beyond_the_length_are_cleared() -> None:
    made = sent(TIME, np.uint32(1), PAYLOAD, np.array([0, 2, 8], np.uint8)).added
    assert made is not None
    assert made.dlc.tolist() == [0, 2, 8]
    assert (made.payload != 0).sum(axis=1).tolist() == [0, 2, 8]


def test_without_frames_nothing_is_removed_either() -> None:
    none = np.zeros((0, 8), np.uint8)
    assert sent(np.zeros(0), np.uint32(1), none, 8, np.array([3])) is NOTHING
    assert NOTHING.added is None and len(NOTHING.removed) == 0
