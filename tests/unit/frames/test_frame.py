"""Columns of frames: one list that digest, slices and files agree on."""

from __future__ import annotations

import dataclasses

import numpy as np

from can_train.frames.frame import COLUMNS, Frames
from tests.unit.frames_for_tests import make_frames, random_frames


def test_every_column_is_listed_once_in_order() -> None:
    assert [column.name for column in COLUMNS] == [f.name for f in dataclasses.fields(Frames)]
    frames = random_frames(10)
    for column in COLUMNS:
        assert column.of(frames).dtype == np.dtype(column.dtype)


def test_digest_is_that_of_stored_datasets() -> None:
    frames = make_frames([0.5, 1.5], [0x1C7, 0x8000_0800], dlc=[2, 0], label=[0, 1])
    assert frames.digest() == ("5f754af369ad7fd74acfc75656eed54d3920a8b014c4693b3675c0d5c9f85a51")


def test_rows_by_slice_and_by_mask() -> None:
    frames = random_frames(50)
    mask = np.arange(50) % 2 == 0
    for rows in (slice(10, 20), mask):
        for column in COLUMNS:
            assert np.array_equal(column.of(frames[rows]), column.of(frames)[rows])


def test_wider_payloads_are_padded_with_zeros() -> None:
    frames = random_frames(50)
    wide = frames.widened(64)
    assert np.array_equal(wide.payload[:, :8], frames.payload)
    assert not wide.payload[:, 8:].any()
    assert wide.payload_words.shape == (50, 8)
    assert np.array_equal(wide.dlc, frames.dlc)
    assert wide.widened(8) is wide
