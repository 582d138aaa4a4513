"""Jitted parsers of one line of each text grammar.

Each takes the line `data[start:stop]` (no line end, no blanks around it), writes frame `row` and
returns `FRAME`, `NO_FRAME` (the line reports a bus error) or a negative code of `fields`. `where`
[4], int64, gets the bounds of the field at fault and those of the timestamp.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from can_train.frames.readers.fields import (
    BAD_DLC,
    BAD_FD_LENGTH,
    BAD_FIELD_COUNT,
    BAD_FLAG,
    BAD_LAYOUT,
    BAD_PAYLOAD,
    DLC_MISMATCH,
    NO_FLAG,
    ODD_PAYLOAD,
    PAYLOAD_TOO_LONG,
    TOO_FEW_FIELDS,
    find,
    is_blank,
    parse_id,
    parse_label,
    parse_payload,
    parse_time,
    trim,
)

Columns: TypeAlias = tuple[
    NDArray[np.float64],
    NDArray[np.uint32],
    NDArray[np.uint8],
    NDArray[np.uint8],
    NDArray[np.uint8],
]
"""Output: timestamp, arbitration_id, dlc [N], payload [N, P] and label [N]."""

FRAME: Final = 0
NO_FRAME: Final = 1

TIMESTAMP, ARBITRATION_ID, DATA_FIELD, LABEL, IGNORED = range(5)
"""Roles of the columns of a can-train-and-test CSV."""

_COMMA: Final = 44
_HASH: Final = 35
_UNDERSCORE: Final = 95
_EXTENDED_FLAG: Final = 0x8000_0000
_CLASSIC_BYTES: Final = 8
_EXTENDED_DIGITS: Final = 8
_NORMAL: Final = np.frombuffer(b"Normal", np.uint8)
_ATTACK: Final = np.frombuffer(b"Attack", np.uint8)


@numba.njit(cache=True, nogil=True)
def csv_line(
    data: NDArray[np.uint8],
    bounds: tuple[int, int],
    roles: NDArray[np.int64],
    out: Columns,
    row: int,
    where: NDArray[np.int64],
) -> int:
    """can-train-and-test: comma-separated fields, in the order that the header gives."""
    begin, end = bounds
    last = len(roles) - 1
    for k in range(len(roles)):
        stop = find(data, begin, end, _COMMA)
        if (stop == end) != (k == last):
            return BAD_FIELD_COUNT
        a, b = trim(data, begin, stop)
        code = 0
        if roles[k] == TIMESTAMP:
            where[2], where[3] = a, b
            out[0][row] = parse_time(data, a, b)
        elif roles[k] == ARBITRATION_ID:
            code = parse_id(data, a, b)
            out[1][row] = max(code, 0)
        elif roles[k] == DATA_FIELD:
            code = parse_payload(data, a, b, out[3][row])
            out[2][row] = max(code, 0)
        elif roles[k] == LABEL:
            code = parse_label(data, a, b)
            out[4][row] = max(code, 0)
        if code < 0:
            where[0], where[1] = a, b
            return code
        begin = stop + 1
    return FRAME


@numba.njit(cache=True, nogil=True)
def hcrl_line(
    data: NDArray[np.uint8],
    bounds: tuple[int, int],
    roles: NDArray[np.int64],
    out: Columns,
    row: int,
    where: NDArray[np.int64],
) -> int:
    """HCRL: `time,ID,DLC,bytes…,flag`, the flag being the last field that isn't empty.

    `roles` is [1], 1 where the recording has flags. Rows with fewer bytes are shorter.
    """
    timestamp, arbitration_id, dlc, payload, label = out
    begin, end = bounds
    first = find(data, begin, end, _COMMA)
    second = find(data, first + 1, end, _COMMA)
    third = find(data, second + 1, end, _COMMA)
    if second >= end or (third == end and roles[0]):
        return TOO_FEW_FIELDS
    where[2], where[3] = trim(data, begin, first)
    timestamp[row] = parse_time(data, where[2], where[3])
    where[0], where[1] = trim(data, first + 1, second)
    code = parse_id(data, where[0], where[1])
    if code < 0:
        return code
    arbitration_id[row] = code
    where[0], where[1] = trim(data, second + 1, third)
    if where[1] - where[0] != 1 or data[where[0]] < 48 or data[where[0]] > 56:
        return BAD_DLC
    dlc[row] = data[where[0]] - 48
    label[row] = 0
    if roles[0]:
        end = _last_comma(data, third, end, where)
        code = _flag(data, where[0], where[1])
        if code < 0:
            return code
        label[row] = code
    return _spaced_payload(data, (third + 1, end), payload[row], dlc[row], where)


@numba.njit(cache=True, nogil=True)
def _last_comma(data: NDArray[np.uint8], first: int, end: int, where: NDArray[np.int64]) -> int:
    """Comma before the last non-empty field, whose bounds go into `where`."""
    while end > first + 1 and (data[end - 1] == _COMMA or is_blank(data[end - 1])):
        end -= 1
    comma = end - 1
    while comma > first and data[comma] != _COMMA:
        comma -= 1
    where[0], where[1] = trim(data, comma + 1, end)
    return comma


@numba.njit(cache=True, nogil=True)
def _flag(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0 for R and Normal, 1 for T and Attack."""
    if stop - start == 1:
        if data[start] == ord("R"):
            return 0
        if data[start] == ord("T"):
            return 1
    field = data[start:stop]
    if len(field) == len(_NORMAL):
        if np.all(field == _NORMAL):
            return 0
        if np.all(field == _ATTACK):
            return 1
    byte = np.zeros(1, np.uint8)
    return NO_FLAG if len(field) == 2 and parse_payload(data, start, stop, byte) == 1 else BAD_FLAG


@numba.njit(cache=True, nogil=True)
def _spaced_payload(
    data: NDArray[np.uint8],
    bounds: tuple[int, int],
    payload: NDArray[np.uint8],
    dlc: int,
    where: NDArray[np.int64],
) -> int:
    """Payload of `dlc` bytes of two hex digits, with commas or blanks between them."""
    begin, end = bounds
    count = 0
    where[0], where[1] = min(begin, end), end
    while begin < end:
        if data[begin] == _COMMA or is_blank(data[begin]):
            begin += 1
            continue
        stop = begin
        while stop < end and data[stop] != _COMMA and not is_blank(data[stop]):
            stop += 1
        if count == len(payload):
            return DLC_MISMATCH
        if stop - begin != 2:
            where[0], where[1] = begin, stop
            return ODD_PAYLOAD if stop - begin == 1 else BAD_PAYLOAD
        code = parse_payload(data, begin, stop, payload[count : count + 1])
        if code < 0:
            where[0], where[1] = begin, stop
            return code
        count += 1
        begin = stop
    return FRAME if count == dlc else DLC_MISMATCH


@numba.njit(cache=True, nogil=True)
def candump_line(
    data: NDArray[np.uint8],
    bounds: tuple[int, int],
    out: Columns,
    row: int,
    where: NDArray[np.int64],
) -> int:
    """`candump -l`: `(seconds) interface ID#PAYLOAD`, `ID##<flags>PAYLOAD` or `ID#R`.

    Eight ID digits mean an extended ID, one with bit 29 set an error report (linux/can.h). A
    remote frame is a frame without payload. A direction (R, T) may follow.
    """
    timestamp, arbitration_id, dlc, payload, label = out
    begin, end = bounds
    close = find(data, begin, end, ord(")"))
    if data[begin] != ord("(") or close == end:
        return BAD_LAYOUT
    where[2], where[3] = trim(data, begin + 1, close)
    timestamp[row] = parse_time(data, where[2], where[3])
    interface, interface_end = _word(data, close + 1, end)
    word, word_end = _word(data, interface_end, end)
    mark = find(data, word, word_end, _HASH)
    rest, rest_end = trim(data, word_end, end)
    if interface == interface_end or mark == word_end or not _is_direction(data, rest, rest_end):
        return BAD_LAYOUT
    where[0], where[1] = word, mark
    digits = mark - word
    if digits == _EXTENDED_DIGITS and (data[word] == ord("2") or data[word] == ord("3")):
        return NO_FRAME
    code = parse_id(data, word, mark)
    if code < 0:
        return code
    extended = _EXTENDED_FLAG if digits == _EXTENDED_DIGITS else 0
    arbitration_id[row] = code | extended
    label[row] = 0
    where[0], where[1] = mark + 1, word_end
    code = _candump_payload(data, (mark + 1, word_end), payload[row])
    dlc[row] = max(code, 0)
    return min(code, 0)


@numba.njit(cache=True, nogil=True)
def _candump_payload(
    data: NDArray[np.uint8], bounds: tuple[int, int], payload: NDArray[np.uint8]
) -> int:
    begin, end = bounds
    if begin < end and data[begin] == _HASH:
        if begin + 1 == end:
            return BAD_LAYOUT
        count = parse_payload(data, begin + 2, end, payload)
        longer = count > _CLASSIC_BYTES
        if longer and count > 24 and count != 32 and count != 48 and count != 64:
            return BAD_FD_LENGTH
        return BAD_FD_LENGTH if longer and count <= 24 and count % 4 else count
    if begin < end and data[begin] == ord("R"):
        return 0 if end - begin <= 2 else BAD_PAYLOAD
    raw_dlc = find(data, begin, end, _UNDERSCORE)
    if raw_dlc < end and (raw_dlc != end - 2 or raw_dlc - begin != 2 * _CLASSIC_BYTES):
        return BAD_PAYLOAD
    return (
        PAYLOAD_TOO_LONG
        if raw_dlc - begin > 2 * _CLASSIC_BYTES
        else parse_payload(data, begin, raw_dlc, payload)
    )


@numba.njit(cache=True, nogil=True)
def _word(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Bounds of the next run of non-blank bytes."""
    while start < stop and is_blank(data[start]):
        start += 1
    end = start
    while end < stop and not is_blank(data[end]):
        end += 1
    return start, end


@numba.njit(cache=True, nogil=True)
def _is_direction(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether nothing, or R or T, follows the frame."""
    return start == stop or (stop - start == 1 and (data[start] == 82 or data[start] == 84))
