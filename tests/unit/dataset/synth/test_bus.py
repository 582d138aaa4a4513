import numpy as np
import pytest

from can_train.dataset.synth.bus import (
    BIT_TIME_US,
    INTERFRAME_BITS,
    Traffic,
    frame_bits,
    join,
    transmit,
)


def frames(rows: list[tuple[int, int, bytes]]) -> Traffic:
    """Traffic from rows of time in microseconds, arbitration ID, payload."""
    return Traffic(
        time_us=np.array([row[0] for row in rows], dtype=np.int64),
        arbitration_id=np.array([row[1] for row in rows], dtype=np.int64),
        dlc=np.array([len(row[2]) for row in rows], dtype=np.uint8),
        payload=np.array([list(row[2].ljust(8, b"\0")) for row in rows], dtype=np.uint8),
        label=np.zeros(len(rows), dtype=np.uint8),
    )


def bits_by_the_book(arbitration_id: int, payload: bytes) -> int:
    """Length of one frame, from its bits written out as text."""
    text = f"0{arbitration_id:011b}000{len(payload):04b}" + "".join(f"{b:08b}" for b in payload)
    polynomial, remainder = 0b1100010110011001, int(text + "0" * 15, 2)
    while remainder.bit_length() > 15:
        remainder ^= polynomial << (remainder.bit_length() - 16)
    text += f"{remainder:015b}"
    stuffed = ""
    for bit in text:
        stuffed += bit
        if stuffed.endswith(("00000", "11111")):
            stuffed += "1" if bit == "0" else "0"
    return len(stuffed) + 10


def test_frame_length_counts_every_stuff_bit():
    rng = np.random.default_rng(3)
    rows = [
        (0, int(rng.integers(0, 0x800)), rng.integers(0, 256, rng.integers(0, 9)).astype("u1"))
        for _ in range(200)
    ]
    # Long runs are where stuff bits start new runs.
    made = [(t, i, data.tobytes()) for t, i, data in rows]
    made += [(0, 0, bytes(8)), (0, 0x7FF, b"\xff" * 8), (0, 0, b""), (0, 0x7C1, b"\x0f\x83\xe0")]
    expected = [bits_by_the_book(i, data) for _, i, data in made]
    np.testing.assert_array_equal(frame_bits(frames(made)), expected)


def test_eight_byte_frames_reach_the_published_rates():
    rng = np.random.default_rng(4)
    rows = [(0, int(rng.integers(0, 0x800)), rng.bytes(8)) for _ in range(500)]
    rate = 500_000 / (frame_bits(frames(rows)) + INTERFRAME_BITS)
    assert rate.min() >= 3_703
    assert rate.max() <= 4_505


def test_idle_bus_sends_at_once():
    sent = transmit(frames([(1_000, 0x123, b"\xa5\x5a")]))
    assert sent.time_us[0] == 1_000 + BIT_TIME_US * bits_by_the_book(0x123, b"\xa5\x5a")


def test_lower_identifier_wins_and_the_frame_on_the_bus_is_not_interrupted():
    waiting = frames([(0, 0x700, b"\x01"), (5, 0x300, b"\x02"), (6, 0x100, b"\x03")])
    sent = transmit(waiting)
    assert sent.arbitration_id.tolist() == [0x700, 0x100, 0x300]
    assert sent.payload[:, 0].tolist() == [1, 3, 2]


def test_frames_of_one_identifier_keep_their_order():
    waiting = frames([(0, 0x050, b"")] + [(k, 0x200, bytes([k])) for k in range(1, 20)])
    assert transmit(waiting).payload[1:, 0].tolist() == list(range(1, 20))


def test_waiting_frames_follow_back_to_back():
    waiting = frames([(0, identifier, b"\x11\x22\x33") for identifier in range(0x100, 0x140)])
    sent = transmit(waiting)
    spacing = np.diff(sent.time_us)
    expected = BIT_TIME_US * (frame_bits(sent)[1:] + INTERFRAME_BITS)
    np.testing.assert_array_equal(spacing, expected)


@pytest.mark.parametrize("gap_us", [1, 230, 5_000])
def test_every_frame_is_sent_once_and_never_before_it_is_ready(gap_us: int):
    rng = np.random.default_rng(gap_us)
    count = 300
    ready = np.cumsum(rng.integers(0, 2 * gap_us, count))
    rows = [(int(t), int(rng.integers(0, 0x800)), bytes([k % 256])) for k, t in enumerate(ready)]
    sent = transmit(join([frames(rows[::2]), frames(rows[1::2])]))
    assert len(sent) == count
    start = sent.time_us - BIT_TIME_US * frame_bits(sent)
    np.testing.assert_array_less(np.sort(ready) - 1, np.sort(start))
    assert sorted(sent.arbitration_id.tolist()) == sorted(row[1] for row in rows)
