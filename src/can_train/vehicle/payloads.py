"""What never changes in an ID's payloads: constant bits, lengths, and counters.

A rule counts only if it held on every recording that it wasn't made from: a bit that changed in
exactly one recording shows that the others merely hadn't seen it change, so the ID's constants are
given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.vehicle.profile import Step

COUNTS_AT: Final = 0.995
"""Share of steps that a counter has to make."""

_COUNTERS: Final = ((0, 256), (0, 16), (4, 16))
"""Shift and modulus of a byte and of its lower and upper half."""

_MOST_STEP: Final = 8
_LONGEST_LENGTH: Final = 63


def lengths_of(parts: Sequence[Frames]) -> np.uint64:
    """Bit set of the DLCs of one ID's frames."""
    seen = np.unique(np.concatenate([part.dlc for part in parts]))
    bits = np.uint64(1) << np.minimum(seen, _LONGEST_LENGTH).astype(np.uint64)
    return np.uint64(np.bitwise_or.reduce(bits))


def constants_of(parts: Sequence[Frames]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Bits that one ID never changes, and their values, both [P / 8].

    Args:
        parts: Its frames by recording; none is empty.
    """
    ones, any_one = _ones(parts)
    constant = _constant(ones, any_one)
    return constant, ones[0] & constant


def always_constant(parts: Sequence[Frames]) -> bool:
    """Whether no recording changes a bit that is constant in all others."""
    ones, any_one = _ones(parts)
    constant = _constant(ones, any_one)
    for number in range(len(parts)):
        others = np.arange(len(parts)) != number
        if (_constant(ones[others], any_one[others]) != constant).any():
            return False
    return True


def _ones(parts: Sequence[Frames]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Bits that are always set, and those that ever are, by recording [R, P / 8]."""
    words = [part.payload_words for part in parts]
    return (
        np.array([np.bitwise_and.reduce(part, axis=0) for part in words]),
        np.array([np.bitwise_or.reduce(part, axis=0) for part in words]),
    )


def _constant(ones: NDArray[np.uint64], any_one: NDArray[np.uint64]) -> NDArray[np.uint64]:
    constant: NDArray[np.uint64] = ~(
        np.bitwise_and.reduce(ones, axis=0) ^ np.bitwise_or.reduce(any_one, axis=0)
    )
    return constant


def counter_of(parts: Sequence[Frames]) -> NDArray[np.int64]:
    """The widest counter of one ID as `Step`s [4], modulus 0 if it has none.

    Args:
        parts: Its frames by stretch, each without a gap.
    """
    bytes_sent = min(int(part.dlc.min()) for part in parts)
    for shift, modulus in _COUNTERS:
        for byte in range(bytes_sent):
            steps = np.concatenate(
                [
                    np.diff((part.payload[:, byte].astype(np.int64) >> shift) % modulus) % modulus
                    for part in parts
                ]
            )
            size = int(np.bincount(steps, minlength=2)[1:].argmax()) + 1 if len(steps) else 0
            if 0 < size <= _MOST_STEP and np.mean(steps == size) >= COUNTS_AT:
                found = {Step.BYTE: byte, Step.SHIFT: shift, Step.MODULUS: modulus, Step.SIZE: size}
                return np.array([found[column] for column in Step], np.int64)
    return np.zeros(len(Step), np.int64)
