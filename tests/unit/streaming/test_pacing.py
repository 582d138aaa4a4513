"""A recording as a stream brings it is the recording."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from can_train.streaming.pacing import PIECE, in_pieces, in_real_time, joined
from tests.unit.streaming.streams_for_tests import traffic


def test_pieces_are_the_whole() -> None:
    frames = traffic()
    pieces = list(in_pieces(frames))
    assert max(map(len, pieces)) <= PIECE
    assert joined(pieces).digest() == frames.digest()


def test_real_time_takes_as_long_as_the_recording() -> None:
    frames = replace(traffic()[:200], timestamp=5.0 + np.linspace(0.0, 0.3, 200))
    began = time.monotonic()
    pieces = list(in_real_time(frames))
    assert time.monotonic() - began >= 0.3
    assert len(pieces) > 3
    assert joined(pieces).digest() == frames.digest()
