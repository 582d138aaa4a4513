"""A ring of frames loses the oldest ones alone, and counts each of them."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from can_train.streaming.ring import FrameRing


def put(ring: FrameRing, number: int) -> None:
    ring.put(float(number), number, (number % 65536).to_bytes(2, "little"))


@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=20),
    room=st.integers(1, 7),
)
def test_what_is_taken_dropped_and_waiting_is_what_was_offered(
    steps: list[tuple[int, bool]], room: int
) -> None:
    ring, number, waiting = FrameRing(room), 0, list[int]()
    taken = 0
    for count, takes in steps:
        for _ in range(count):
            put(ring, number)
            waiting.append(number)
            number += 1
        waiting = waiting[-room:]
        if takes:
            frames = ring.take(0.0)
            assert frames is not None
            assert frames.arbitration_id.tolist() == waiting
            assert frames.timestamp.tolist() == waiting
            assert frames.payload[:, :2].copy().view("<u2").ravel().tolist() == waiting
            taken, waiting = taken + len(frames), []
        assert ring.offered == number == taken + ring.dropped + len(waiting)


def test_a_shorter_payload_leaves_nothing_of_the_one_before() -> None:
    ring = FrameRing(1)
    ring.put(0.0, 1, b"\xff" * 8)
    ring.put(1.0, 1, b"\x01")
    frames = ring.take(0.0)
    assert frames is not None
    assert frames.payload.tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]
    assert frames.dlc.tolist() == [1]


def test_a_closed_ring_gives_the_rest_and_then_none() -> None:
    ring = FrameRing(4)
    put(ring, 1)
    ring.close()
    rest = ring.take(0.0)
    assert rest is not None and len(rest) == 1
    assert ring.take(0.0) is None


def test_two_threads_lose_count_of_nothing() -> None:
    ring, count = FrameRing(64), 20_000

    def offer() -> None:
        for number in range(count):
            put(ring, number)
        ring.close()

    reader = threading.Thread(target=offer)
    reader.start()
    parts = []
    while (frames := ring.take(0.1)) is not None:
        parts.append(frames.arbitration_id)
    reader.join()
    found = np.concatenate(parts)
    assert (np.diff(found.astype(np.int64)) > 0).all()
    assert len(found) + ring.dropped == ring.offered == count
    assert found[-1] == count - 1
