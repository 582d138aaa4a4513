"""Jitted fast pass over lines of words that are written as most recorders do (see `words`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.canonical import (
    LONGEST,
    OTHER,
    behind_blanks,
    bus_at,
    byte_list_at,
    id_at,
    line_end_at,
    seconds_at,
)
from can_train.frames.text.fields import INT_EXTENDED_FLAG, is_blank
from can_train.frames.text.lines import FRAME, NO_BUS, Line, put
from can_train.frames.text.roled import WIDE_DIGITS, How
from can_train.frames.text.roles import BUS, BYTE, DLC, ID, IGNORED, KIND, TIME
from can_train.frames.text.scanning import scan_by

_REMARK, _USUAL_KIND, _WIDE_IS_EXTENDED, _ROLES_FROM = range(4)
"""Places of what is constant in a text; a role for each word before the bytes stands last."""

_WORDS: Final = frozenset({TIME, ID, BUS, KIND, IGNORED})
_CLASSIC_BYTES: Final = 8
_LONGEST_WORD: Final = 32
"""Bytes that are looked at behind the begin of a word, or of the payload."""


def is_usual(roles: Sequence[int], how: How) -> bool:
    """Whether the fast pass knows all that such lines hold: the DLC right before the bytes."""
    return (
        tuple(roles[-2:]) == (DLC, BYTE)
        and set(roles[:-2]) <= _WORDS
        and (how.point, how.id_base, how.byte_base) == (ord("."), 16, 16)
    )


def usual_constants(
    roles: Sequence[int], how: How, remark: int, usual_kind: int
) -> NDArray[np.int64]:
    """What is constant in a text that the fast pass reads (see `scanning`)."""
    return np.array([remark, usual_kind, how.wide_is_extended, *roles[:-1]], np.int64)


@compiled()
def _usual_line(  # noqa: C901 - compiled: one branch for each role
    constants: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    number: int,
    words: NDArray[np.uint64],
) -> int:
    """Reads a line whose words are what `usual_constants` says; the byte behind it."""
    last = start + LONGEST - _LONGEST_WORD
    seconds = 0.0
    time_start = time_stop = at = start
    arbitration_id = dlc = 0
    bus = NO_BUS
    for place in range(_ROLES_FROM, len(constants)):
        begin = behind_blanks(data, at, last)
        if begin == last or (place == _ROLES_FROM and data[begin] == constants[_REMARK]):
            return OTHER
        role, close = constants[place], _closing(data[begin])
        begin += close != 0
        if role == TIME:
            seconds, at = seconds_at(data, begin)
            time_start, time_stop = begin, at
        elif role == ID:
            arbitration_id, at = id_at(data, begin)
            if constants[_WIDE_IS_EXTENDED] and at - begin == WIDE_DIGITS:
                arbitration_id |= INT_EXTENDED_FLAG
        elif role == DLC:
            dlc = int(data[begin]) - ord("0")
            at = begin + 1 if 0 <= dlc <= _CLASSIC_BYTES else OTHER
        elif close:
            return OTHER
        elif role == BUS:
            bus, at = bus_at(data, begin)
        elif role == KIND:
            kind, at = bus_at(data, begin)
            if kind != np.uint64(constants[_USUAL_KIND]):
                return OTHER
        else:
            at = _behind_word(data, begin, last)
        if at == OTHER or (close and data[at] != close):
            return OTHER
        at += close != 0
        if not (is_blank(data[at]) or (role == DLC and dlc == 0)):
            return OTHER
    payload = np.uint64(0)
    if dlc:
        payload, at = byte_list_at(data, behind_blanks(data, at, last) - 1, dlc, ord(" "))
        if at == OTHER:
            return OTHER
    end = line_end_at(data, behind_blanks(data, at, last + _LONGEST_WORD - 2))
    if end != OTHER:
        words[number, 0] = payload
        put(lines, number, Line(FRAME, time_start, time_stop, seconds, arbitration_id, dlc, 0, bus))
    return end


@compiled()
def _behind_word(data: NDArray[np.uint8], at: int, last: int) -> int:
    """The first byte that may be a blank, or `OTHER`."""
    while at < last and data[np.uint64(at)] > ord(" "):
        at += 1
    return at if at < last else OTHER


@compiled()
def _closing(byte: int) -> int:
    """The bracket that closes the one that `byte` is, or 0."""
    if byte == ord("("):
        return ord(")")
    return ord("]") if byte == ord("[") else 0


scan_words: Final = scan_by(_usual_line)
"""The fast pass (see `scanning`)."""
