"""Payload layouts: counters, checksums, signals, constants and status bits.

All arithmetic is on integers, so that the same seed gives the same bytes on any machine;
floating-point functions differ in the last bit between processors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.synth.signals import SIGNAL_BITS, Signal

FieldKind = Literal["counter", "xor", "crc8", "signal", "constant", "status"]

PAYLOAD_BYTES: Final = 8
STATUS_CHANGES_PER_1000_FRAMES: Final = 4
SENSOR_NOISE: Final = 6
"""Largest deviation of a sampled signal from the true value, in 1/65536 of its range."""

_CRC8_POLYNOMIAL: Final = 0x1D
"""SAE J1850, also AUTOSAR CRC8: polynomial 0x1D, start 0xFF, final XOR 0xFF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Some consecutive bits of a payload.

    Attributes:
        kind: What fills the bits; the checksums take exactly one byte.
        bits: Width.
        signal: Sampled signal of a `signal` field.
        value: Bits of a `constant` field.
    """

    kind: FieldKind
    bits: int
    signal: Signal | None = None
    value: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Fields of a payload, most significant bit of byte 0 first.

    Attributes:
        fields: They fill whole bytes; none for a frame without payload.
    """

    fields: tuple[Field, ...]

    @property
    def dlc(self) -> int:
        """Number of payload bytes."""
        return sum(field.bits for field in self.fields) // 8

    def start_bit(self, wanted: Field) -> int:
        """Bits before `wanted`, which is one of the fields."""
        return sum(field.bits for field in self.fields[: self.fields.index(wanted)])

    def checksum(self) -> Field | None:
        """The checksum field, if there is one."""
        return next((field for field in self.fields if field.kind in ("xor", "crc8")), None)

    def counter(self) -> Field | None:
        """The rolling counter, if there is one."""
        return next((field for field in self.fields if field.kind == "counter"), None)


def layout(*fields: Field) -> Layout:
    """Layout of `fields` in this order."""
    made = Layout(fields=fields)
    bits = sum(field.bits for field in fields)
    if bits % 8 or made.dlc > PAYLOAD_BYTES:
        raise ValueError(f"layout of {bits} bits; allowed: whole bytes, at most {PAYLOAD_BYTES}")
    return made


def encode(
    design: Layout,
    samples: dict[Signal, NDArray[np.int64]],
    count: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Payloads of consecutive frames of one message.

    Args:
        design: Layout of the message.
        samples: Value of every signal at each frame [n], int64, 0 to 65535.
        count: Running number of each frame [n], from which the counter is taken.
        rng: Source of sensor noise and status changes.

    Returns:
        Zero-padded bytes [n, 8], uint8.
    """
    word = np.zeros(len(count), dtype=np.uint64)
    shift = 8 * PAYLOAD_BYTES
    for field in design.fields:
        shift -= field.bits
        value = _field_values(field, samples, count, rng) & ((1 << field.bits) - 1)
        word |= value.astype(np.uint64) << np.uint64(shift)
    payload = word.astype(">u8").view(np.uint8).reshape(-1, PAYLOAD_BYTES).copy()
    return write_checksum(design, payload)


def write_checksum(design: Layout, payload: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy of `payload` [n, 8] with its checksum byte, if the layout has one, made right."""
    field = design.checksum()
    payload = payload.copy()
    if field is None:
        return payload
    at = design.start_bit(field) // 8
    others = [byte for byte in range(design.dlc) if byte != at]
    checksum = xor_checksum if field.kind == "xor" else crc8
    payload[:, at] = checksum(payload[:, others])
    return payload


def xor_checksum(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """XOR of the bytes of each row; data: [n, k], uint8."""
    folded: NDArray[np.uint8] = np.bitwise_xor.reduce(data, axis=1)
    return folded


def crc8(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """CRC-8 of SAE J1850 over the bytes of each row; data: [n, k], uint8."""
    crc = np.full(len(data), 0xFF, dtype=np.uint8)
    for byte in range(data.shape[1]):
        crc = _CRC8_TABLE[crc ^ data[:, byte]]
    return crc ^ np.uint8(0xFF)


def _crc8_table() -> NDArray[np.uint8]:
    """CRC of every single byte [256]."""
    crc = np.arange(256, dtype=np.int64)
    for _ in range(8):
        crc = ((crc << 1) ^ ((crc >> 7) * _CRC8_POLYNOMIAL)) & 0xFF
    return crc.astype(np.uint8)


_CRC8_TABLE: Final = _crc8_table()


def _field_values(
    field: Field,
    samples: dict[Signal, NDArray[np.int64]],
    count: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Bits of one field for each frame [n]; a checksum starts as zeros."""
    frames = len(count)
    if field.kind == "counter":
        return count
    if field.kind == "constant":
        return np.full(frames, field.value, dtype=np.int64)
    if field.kind == "status":
        changes = rng.integers(0, 1000, frames) < STATUS_CHANGES_PER_1000_FRAMES
        values = rng.integers(0, 1 << field.bits, int(changes.sum()) + 1)
        held: NDArray[np.int64] = values[np.cumsum(changes)]
        return held
    if field.signal is not None:
        noise = rng.integers(-SENSOR_NOISE, SENSOR_NOISE + 1, frames)
        exact = np.clip(samples[field.signal] + noise, 0, (1 << SIGNAL_BITS) - 1)
        read: NDArray[np.int64] = exact >> (SIGNAL_BITS - field.bits)
        return read
    return np.zeros(frames, dtype=np.int64)
