"""How inputs are spoilt: bits flipped, parts cut, repeated, swapped, fields and sizes replaced."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

_NUMBERS: Final = (
    b"", b"0", b"-1", b"9" * 25, b"1e400", b"-1e308", b"nan", b"inf", b"0x", b"4294967296",
    b"18446744073709551616", b"1.5.5", b"\xc2\xb2", b"\xff", b"\x00", b'"', b"T", b"FFFFFFFF",
)  # fmt: skip
_SEPARATOR: Final = re.compile(rb"[ ,;#:\t\n()\[\]{}\"']")

Mutation = Callable[[random.Random, bytearray], None]


def _flip(draw: random.Random, data: bytearray) -> None:
    for _ in range(draw.choice((1, 1, 2, 8))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _random_bytes(draw: random.Random, data: bytearray) -> None:
    at = draw.randrange(len(data))
    data[at : at + draw.randrange(9)] = draw.randbytes(draw.randrange(9))


def _cut(draw: random.Random, data: bytearray) -> None:
    at = draw.randrange(len(data))
    del data[at : len(data) if draw.random() < 0.3 else at + draw.randrange(1, 200)]


def _repeat(draw: random.Random, data: bytearray) -> None:
    at = draw.randrange(len(data))
    data[at:at] = data[at : at + draw.randrange(1, 200)] * draw.choice((1, 1, 2, 20))


def _swap(draw: random.Random, data: bytearray) -> None:
    """Two lines, or two blocks of a binary file."""
    lines = data.split(b"\n")
    if len(lines) < 3:
        size = max(1, len(data) // 16)
        lines = [data[k : k + size] for k in range(0, len(data), size)]
        between = b""
    else:
        between = b"\n"
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    data[:] = between.join(lines)


def _replace_field(draw: random.Random, data: bytearray) -> None:
    ends = [found.start() for found in _SEPARATOR.finditer(data)]
    if len(ends) > 1:
        k = draw.randrange(len(ends) - 1)
        data[ends[k] + 1 : ends[k + 1]] = draw.choice(_NUMBERS)


def _inflate(draw: random.Random, data: bytearray) -> None:
    """A size, offset or count anywhere."""
    width = draw.choice((1, 2, 4, 8))
    value = draw.choice((0, 1, (1 << 8 * width) - 1, (1 << 8 * width - 1) - 1, 1 << 6 * width))
    at = draw.randrange(len(data))
    data[at : at + width] = value.to_bytes(width, draw.choice(("little", "big")))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip, _random_bytes, _cut, _repeat, _swap, _replace_field, _inflate,
)  # fmt: skip


def mutated(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One spoilt input: a seed after one to four mutations, now and then grafted on another one."""
    data = bytearray(draw.choice(seeds))
    if draw.random() < 0.05:
        other = draw.choice(seeds)
        data[draw.randrange(len(data) + 1) :] = other[draw.randrange(len(other)) :]
    for _ in range(draw.randrange(1, 5)):
        if data:
            draw.choice(MUTATIONS)(draw, data)
    return bytes(data)
