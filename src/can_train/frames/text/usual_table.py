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
from can_train.frames.text.lines import FRAME, NO_BUS, Line, put
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
from can_train.frames.text.scanning import scan_by

_ROLES: Final = frozenset({TIME, ID, DLC, DATA, BYTE, LABEL, IGNORED})
_SEPARATOR, _WIDE_IS_EXTENDED, _BYTES_END, _BYTE_COLUMNS, _ROLES_FROM = range(5)
"""Places of what is constant in a table, as `How` names it; a role for each column stands last."""

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


def usual_constants(roles: Sequence[int], how: How) -> NDArray[np.int64]:
    """What is constant in a table that the fast pass reads (see `scanning`)."""
    return np.array(
        [how.separator, how.wide_is_extended, how.bytes_end, how.byte_columns, *roles], np.int64
    )


@compiled()
def _usual_line(  # noqa: C901 - compiled: one branch for each role
    constants: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    number: int,
    words: NDArray[np.uint64],
) -> int:
    """Reads a line whose cells are what `usual_constants` says; the byte behind it."""
    separator, byte_columns = constants[_SEPARATOR], constants[_BYTE_COLUMNS]
    columns = len(constants) - _ROLES_FROM
    missing = columns - _cells(data, start, separator)
    if missing < 0 or missing > byte_columns or data[start] == _HASH:
        return OTHER
    seconds = 0.0
    time_start = time_stop = at = start
    arbitration_id = count = 0
    dlc = label = -1
    payload = np.uint64(0)
    for cell in range(columns - missing):
        # Short frames of some datasets leave the cells of their missing bytes out.
        column = cell if cell < constants[_BYTES_END] - missing else cell + missing
        role = constants[_ROLES_FROM + column]
        begin = at
        if role == BYTE:
            high, low = HEX[data[at]], HEX[data[at + 1]]
            if data[at] != separator:
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
            if constants[_WIDE_IS_EXTENDED] and at - begin == WIDE_DIGITS:
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
            while data[at] != separator and data[at] != LINE_FEED:
                at += 1
        if at == OTHER:
            return OTHER
        if cell < columns - missing - 1:
            if data[at] != separator:
                return OTHER
            at += 1
    if 0 <= dlc < count and byte_columns:
        count = dlc
        payload &= (np.uint64(1) << np.uint64(8 * count)) - np.uint64(1)
    end = line_end_at(data, at)
    if end == OTHER or (dlc >= 0 and dlc != count):
        return OTHER
    words[number, 0] = payload
    told = Line(FRAME, time_start, time_stop, seconds, arbitration_id, count, max(label, 0), NO_BUS)
    put(lines, number, told)
    return end


scan_table: Final = scan_by(_usual_line)
"""The fast pass (see `scanning`)."""


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
