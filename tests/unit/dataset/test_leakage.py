"""Windows that also occur in training recordings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from can_train.dataset.leakage import repeated_shares
from can_train.frames.frame import Frames
from can_train.frames.store import load_frames
from tests.unit.datasets_for_tests import REF, some_frames, spec_of


def joined(first: Frames, second: Frames) -> Frames:
    return Frames(
        **{
            field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
            for field in dataclasses.fields(Frames)
        }
    )


def test_the_share_of_windows_that_repeat_training_frames(prepared) -> None:
    root, manifest = prepared
    folder = REF.folder(root)
    known = load_frames(folder, manifest.train[0])[1_000:2_000]
    later = dataclasses.replace(known, timestamp=known.timestamp + 1e6)  # time doesn't matter
    new = some_frames(77)[:3_000]
    others = [new, later, joined(new, later), new[:10]]
    shares = repeated_shares(folder, manifest.train, others, spec_of(20, 20))
    assert shares == [0.0, 1.0, 0.25, 0.0]


def test_another_payload_is_no_repetition(prepared) -> None:
    root, manifest = prepared
    folder = REF.folder(root)
    known = load_frames(folder, manifest.train[0])[:400]
    payload = np.array(known.payload)
    payload[::20, 0] ^= 1
    changed = dataclasses.replace(known, payload=payload, dlc=np.full(400, 8, np.uint8))
    assert repeated_shares(folder, manifest.train, [changed], spec_of(20, 20)) == [
        pytest.approx(0.0)
    ]
