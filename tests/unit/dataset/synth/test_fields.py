import numpy as np
import pytest

from can_train.dataset.synth.fields import Field, crc8, encode, layout, write_checksum, xor_checksum


def rows(*payloads: bytes) -> np.ndarray:
    return np.array([list(payload) for payload in payloads], dtype=np.uint8)


def test_crc8_gives_the_check_value_of_sae_j1850():
    assert crc8(rows(b"123456789")).tolist() == [0x4B]


def test_xor_checksum_folds_all_bytes():
    assert xor_checksum(rows(b"\x01\x02\x04", b"\xff\xff\x10")).tolist() == [0x07, 0x10]


def test_fields_are_packed_from_the_most_significant_bit():
    design = layout(
        Field(kind="constant", bits=4, value=0xA),
        Field(kind="counter", bits=4),
        Field(kind="constant", bits=16, value=0x1234),
        Field(kind="xor", bits=8),
    )
    count = np.array([14, 15, 16], dtype=np.int64)
    payload = encode(design, {}, count, np.random.default_rng(0))
    assert design.dlc == 4
    assert payload[:, :3].tolist() == [[0xAE, 0x12, 0x34], [0xAF, 0x12, 0x34], [0xA0, 0x12, 0x34]]
    assert payload[:, 3].tolist() == [0xAE ^ 0x26, 0xAF ^ 0x26, 0xA0 ^ 0x26]
    assert not payload[:, 4:].any()


def test_checksum_covers_the_bytes_on_both_sides_of_it():
    design = layout(
        Field(kind="constant", bits=8, value=0x55),
        Field(kind="crc8", bits=8),
        Field(kind="constant", bits=8, value=0x66),
    )
    payload = encode(design, {}, np.zeros(1, dtype=np.int64), np.random.default_rng(0))
    assert payload[0, 1] == crc8(rows(b"\x55\x66"))[0]
    broken = payload.copy()
    broken[0, 1] ^= 1
    np.testing.assert_array_equal(write_checksum(design, broken), payload)


def test_short_signal_field_carries_the_most_significant_bits():
    design = layout(Field(kind="signal", bits=8, signal="speed"))
    value = np.array([0x1280, 0xFE80, 0x0080], dtype=np.int64)
    payload = encode(design, {"speed": value}, np.arange(3), np.random.default_rng(0))
    assert payload[:, 0].tolist() == [0x12, 0xFE, 0x00]


@pytest.mark.parametrize("bits", [12, 72])
def test_layout_refuses_broken_or_too_many_bytes(bits: int):
    with pytest.raises(ValueError, match=f"layout of {bits} bits; allowed: whole bytes, at most 8"):
        layout(Field(kind="status", bits=bits))
