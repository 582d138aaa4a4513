"""What the recordings hold, frame by frame."""

import numpy as np
import pytest

from can_train.dataset.synth.bus import (
    BIT_TIME_US,
    INTERFRAME_BITS,
    Traffic,
    frame_bits,
)
from can_train.dataset.synth.dataset import FILES, Planned
from can_train.dataset.synth.fields import write_checksum
from can_train.dataset.synth.vehicles import VEHICLES, Message
from tests.unit.dataset.synth.recordings_for_tests import made, of_message


def counter_of(message: Message, frames: Traffic) -> np.ndarray:
    field = message.layout.counter()
    assert field is not None
    start = message.layout.start_bit(field)
    byte = frames.payload[:, start // 8].astype(int)
    return (byte >> (8 - start % 8 - field.bits)) & ((1 << field.bits) - 1)


@pytest.mark.parametrize("planned", FILES, ids=lambda planned: planned.path)
def test_frames_never_overlap_on_a_bus_with_room_left(planned: Planned):
    traffic = made(planned.kind, planned.vehicle)
    occupied = BIT_TIME_US * (frame_bits(traffic) + INTERFRAME_BITS)
    assert (np.diff(traffic.time_us) >= occupied[1:]).all()
    assert 0.2 < occupied.sum() / traffic.time_us[-1] < 0.95


@pytest.mark.parametrize("vehicle", ["alpha", "bravo"])
def test_clocked_messages_keep_their_periods(vehicle: str):
    traffic = made(None, vehicle)
    for message in VEHICLES[vehicle].messages:
        at = of_message(traffic, message).time_us
        if message.event_driven:
            continue
        period_us = 1_000 * message.period_ms
        # Ends of frames: jitter, drift and queueing, but no lost and no doubled frame.
        assert np.abs(np.diff(at) - period_us).max() < 0.05 * period_us + 4_000
        assert np.diff(at).mean() == pytest.approx(period_us, rel=0.01)


def test_event_driven_messages_have_no_period():
    traffic = made(None, "alpha")
    events = [m for m in VEHICLES["alpha"].messages if m.event_driven and m.period_ms < 2_000]
    assert events
    for message in events:
        gap = np.diff(of_message(traffic, message).time_us)
        assert gap.std() > 0.5 * gap.mean()


@pytest.mark.parametrize(
    ("kind", "vehicle"), [(None, "alpha"), (None, "bravo"), ("DoS", "charlie")]
)
def test_benign_counters_and_checksums_are_right(kind: str | None, vehicle: str):
    traffic = made(kind, vehicle)
    benign = traffic.take(traffic.label == 0)
    for message in VEHICLES[vehicle].messages:
        frames = of_message(benign, message)
        np.testing.assert_array_equal(
            write_checksum(message.layout, frames.payload), frames.payload
        )
        if (field := message.layout.counter()) is not None:
            step = np.diff(counter_of(message, frames)) % (1 << field.bits)
            assert (step == 1).all()
