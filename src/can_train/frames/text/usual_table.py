"""Jitted fast pass over the lines of a table whose cells are written as most recorders do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.canonical import (
    LONGEST,
    OTHER,
    id_at,
    line_end_at,
    payload_at,
    seconds_at,
)
from can_train.frames.text.cells import HEX_TEXT
from can_train.frames.text.fields import HEX, INT_EXTENDED_FLAG, LINE_FEED, NOT_HEX
from can_train.frames.text.lines import FRAME, NO_BUS, Cut, Line, cut_one, put
from can_train.frames.text.roled import WIDE_DIGITS, How
from can_train.frames.text.roles import (
    ATTACK_WORDS,
    BENIGN_WORDS,
    BYTE,
    DATA,
    DLC,
    ID,
    IGNORED,
    LABEL,
    TIME,
)

_ROLES: Final = frozenset({TIME, ID, DLC, DATA, BYTE, LABEL, IGNORED})
_SEPARATORS: Final = frozenset(b",;")
_QUOTE: Final = ord('"')
_HASH: Final = ord("#")
_NO_LABEL: Final = 255
_MOST_BYTES: Final = 8


def _labels() -> NDArray[np.uint8]:
    """Label of each word of one byte."""
    table = np.full(256, _NO_LABEL, np.uint8)
    for label, words in enumerate((BENIGN_WORDS, ATTACK_WORDS)):
        for word in words:
            if len(word) == 1:
                table[ord(word)] = table[ord(word.upper())] = label
    return table


_LABELS: Final = _labels()


def is_usual(roles: Sequence[int], how: How) -> bool:
    """Whether the fast pass knows all that a table holds."""
    return (
        set(roles) <= _ROLES
        and how.separator in _SEPARATORS
        and (how.point, how.id_base, how.byte_base) == (ord("."), 16, 16)
        and how.payload == HEX_TEXT
    )


@compiled()
def scan_table(  # noqa: PLR0913 - compiled: a record of the constants would be copied per line
    roles: NDArray[np.int64],
    how: How,
    data: NDArray[np.uint8],
    position: int,
    number: int,
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> Cut:
    """Finds the next lines and reads the usual ones (see `reading.TextLayout.scan`)."""
    count = 0
    words = payload.view(np.uint64)
    safe = len(data) - LONGEST
    while position < len(data) and count < len(lines):
        number += 1
        end = OTHER
        if position <= safe:
            end = _usual_line(data, position, lines, count, words, roles, how)
        if end == OTHER:
            position, count = cut_one(data, position, number, lines, count)
        else:
            lines[count].number = number
            position = end
            count += 1
    return Cut(count, position, number)


@compiled()
def _usual_line(  # noqa: C901, PLR0913 - compiled: one branch for each role
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    number: int,
    words: NDArray[np.uint64],
    roles: NDArray[np.int64],
    how: How,
) -> int:
    """Reads a line whose k-th cell is what `roles[k]` says; the byte behind it."""
    missing = len(roles) - _cells(data, start, how.separator)
    if missing < 0 or missing > how.byte_columns or data[start] == _HASH:
        return OTHER
    seconds = 0.0
    time_start = time_stop = at = start
    arbitration_id = count = 0
    dlc = label = -1
    payload = np.uint64(0)
    for cell in range(len(roles) - missing):
        # Short frames of some datasets leave the cells of their missing bytes out.
        role = roles[cell if cell < how.bytes_end - missing else cell + missing]
        begin = at
        if role == BYTE:
            high, low = HEX[data[at]], HEX[data[at + 1]]
            if data[at] != how.separator:
                if high == NOT_HEX or low == NOT_HEX or count == _MOST_BYTES:
                    return OTHER
                payload |= np.uint64(high * 16 + low) << np.uint64(8 * count)
                count += 1
                at += 2
        elif role == TIME:
            seconds, at = seconds_at(data, begin)
            time_start, time_stop = begin, at
        elif role == ID:
            arbitration_id, at = id_at(data, begin)
            if how.wide_is_extended and at - begin == WIDE_DIGITS:
                arbitration_id |= INT_EXTENDED_FLAG
        elif role == DLC:
            dlc = int(data[at]) - ord("0")
            at = at + 1 if 0 <= dlc <= _MOST_BYTES else OTHER
        elif role == DATA:
            payload, at = payload_at(data, begin)
            count = (at - begin) // 2
        elif role == LABEL:
            found = int(_LABELS[data[at]])
            at = at + 1 if found != _NO_LABEL and (label < 0 or label == found) else OTHER
            label = found
        else:
            while data[at] != how.separator and data[at] != LINE_FEED:
                at += 1
        if at == OTHER:
            return OTHER
        if cell < len(roles) - missing - 1:
            if data[at] != how.separator:
                return OTHER
            at += 1
    if 0 <= dlc < count and how.byte_columns:
        count = dlc
        payload &= (np.uint64(1) << np.uint64(8 * count)) - np.uint64(1)
    end = line_end_at(data, at)
    if end == OTHER or (dlc >= 0 and dlc != count):
        return OTHER
    words[number, 0] = payload
    told = Line(FRAME, time_start, time_stop, seconds, arbitration_id, count, max(label, 0), NO_BUS)
    put(lines, number, told)
    return end


@compiled()
def _cells(data: NDArray[np.uint8], start: int, separator: int) -> int:
    """Number of cells of a line without quotes; more than any table has if it isn't usual."""
    count = 1
    for at in range(start, start + LONGEST):
        byte = data[at]
        if byte == LINE_FEED:
            return count
        count += byte == separator
        if byte == _QUOTE:
            break
    return LONGEST * LONGEST
