"""Words for the kind of a frame, in lines of words (see `words`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.cells import word_hash
from can_train.frames.text.lines import NO_FRAME, REMARK, bus_word
from can_train.frames.text.roled import BAD_LAYOUT

(
    STANDARD,
    EXTENDED_ID,
    DATA_FRAME,
    REMOTE_FRAME,
    STANDARD_REMOTE,
    EXTENDED_REMOTE,
    OTHER,
    NOTHING,
) = range(8)
"""What the word for a frame's kind says; `OTHER` is an event that is no frame."""


class Kinds(NamedTuple):
    """What the words for a frame's kind mean.

    Attributes:
        words: Their hashes [K].
        meanings: What each means [K].
        unknown: What any other word means; negative where it is a fault.
    """

    words: NDArray[np.uint64]
    meanings: NDArray[np.int64]
    unknown: int


@compiled()
def read_kind(
    data: NDArray[np.uint8], first: int, last: int, kinds: Kinds, found: NDArray[np.void]
) -> int:
    """0 for a frame, `NO_FRAME`, `REMARK`, or `BAD_LAYOUT`."""
    # CRTD writes the bus in front of the kind: 1R11.
    if last - first > 1 and _is_digit(data[first]) and not _is_digit(data[first + 1]):
        found[0].bus = bus_word(data, first, first + 1)
        first += 1
    word = word_hash(data, first, last)
    meaning = kinds.unknown
    for k in range(len(kinds.words)):
        if kinds.words[k] == word:
            meaning = kinds.meanings[k]
    if meaning == NOTHING:
        return REMARK
    if meaning == OTHER or meaning < 0:
        return NO_FRAME if meaning == OTHER else BAD_LAYOUT
    if meaning == STANDARD or meaning == STANDARD_REMOTE:
        found[0].extended = 0
    elif meaning == EXTENDED_ID or meaning == EXTENDED_REMOTE:
        found[0].extended = 1
    found[0].remote = int(meaning in (REMOTE_FRAME, STANDARD_REMOTE, EXTENDED_REMOTE))
    return 0


@compiled()
def _is_digit(byte: int) -> bool:
    return ord("0") <= byte <= ord("9")
