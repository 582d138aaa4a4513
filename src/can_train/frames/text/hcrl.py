"""Jitted parsers of a line of HCRL's texts: `seconds,ID,DLC,bytes,flag`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.canonical import (
    OTHER,
    byte_list_at,
    id_at,
    line_end_at,
    seconds_at,
)
from can_train.frames.text.fields import (
    BAD_PAYLOAD,
    COMMA,
    ODD_PAYLOAD,
    find,
    is_blank,
    parse_id,
    parse_payload,
    parse_time,
    trim,
)
from can_train.frames.text.lines import FRAME, NO_BUS, Line, problem, put
from can_train.frames.text.reading import CLASSIC_BYTES, OWN_CODES
from can_train.frames.text.scanning import scan_by

BAD_DLC: Final = OWN_CODES
DLC_MISMATCH: Final = OWN_CODES - 1
BAD_FLAG: Final = OWN_CODES - 2
NO_FLAG: Final = OWN_CODES - 3
TOO_FEW_FIELDS: Final = OWN_CODES - 4
MESSAGES: Final = {
    BAD_DLC: "DLC isn't a number from 0 to 8",
    DLC_MISMATCH: "number of payload bytes differs from the DLC",
    BAD_FLAG: "last field is neither R nor T (nor Normal, Attack)",
    NO_FLAG: "the flag R or T after the payload is missing",
    TOO_FEW_FIELDS: "not of the form seconds,ID,DLC,bytes,flag",
}

_FLAGGED: Final = 0
"""What is constant in a text (`scanning`): whether each line has a flag."""

_NORMAL: Final = np.frombuffer(b"Normal", np.uint8)
_ATTACK: Final = np.frombuffer(b"Attack", np.uint8)


@compiled()
def parse_hcrl(
    flagged: bool,
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    """Parses lines (see `lines`), with a flag at their end or without."""
    for k in range(len(lines)):
        put(lines, k, _line(data, lines[k].start, lines[k].stop, payload[k], flagged))


@compiled()
def _usual_line(
    constants: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    count: int,
    words: NDArray[np.uint64],
) -> int:
    """Reads `seconds,ID,DLC,bytes,flag`, all without blanks; the byte behind it."""
    seconds, first = seconds_at(data, start)
    if first == OTHER or data[first] != COMMA:
        return OTHER
    arbitration_id, second = id_at(data, first + 1)
    dlc = int(data[second + 1]) - ord("0")
    if second == OTHER or data[second] != COMMA or not 0 <= dlc <= CLASSIC_BYTES:
        return OTHER
    payload, end = byte_list_at(data, second + 2, dlc, COMMA)
    label = 0
    if constants[_FLAGGED]:
        if end == OTHER or data[end] != COMMA:
            return OTHER
        label = int(data[end + 1] == ord("T"))
        if not label and data[end + 1] != ord("R"):
            return OTHER
        end += 2
    end = line_end_at(data, end) if end != OTHER else OTHER
    if end != OTHER:
        words[count, 0] = payload
        put(lines, count, Line(FRAME, start, first, seconds, arbitration_id, dlc, label, NO_BUS))
    return end


scan_hcrl: Final = scan_by(_usual_line)
"""The fast pass (see `scanning`)."""


@compiled()
def _line(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8], flagged: bool
) -> Line:
    first = find(data, start, stop, COMMA)
    second = find(data, first + 1, stop, COMMA)
    third = find(data, second + 1, stop, COMMA)
    if second >= stop or (third == stop and flagged):
        return problem(TOO_FEW_FIELDS, start, stop)
    id_start, id_stop = trim(data, first + 1, second)
    arbitration_id = parse_id(data, id_start, id_stop)
    if arbitration_id < 0:
        return problem(arbitration_id, id_start, id_stop)
    dlc_start, dlc_stop = trim(data, second + 1, third)
    dlc = _dlc(data, dlc_start, dlc_stop)
    if dlc < 0:
        return problem(dlc, dlc_start, dlc_stop)
    label = 0
    if flagged:
        # From behind: a row has as many fields as bytes, and empty ones may pad a short row.
        stop = _without_empty_fields(data, third, stop)
        comma = _last_comma(data, third, stop)
        flag_start, flag_stop = trim(data, comma + 1, stop)
        label = _flag(data, flag_start, flag_stop)
        if label < 0:
            return problem(label, flag_start, flag_stop)
        stop = comma
    code, begin, end = _spaced_payload(data, third + 1, stop, payload)
    if code < 0:
        return problem(code, begin, end)
    # Neither is corrected to fit the other: nobody knows which of the two is right.
    if code != dlc:
        return problem(DLC_MISMATCH, min(third + 1, stop), stop)
    time_start, time_stop = trim(data, start, first)
    seconds = parse_time(data, time_start, time_stop)
    return Line(FRAME, time_start, time_stop, seconds, arbitration_id, dlc, label, NO_BUS)


@compiled()
def _dlc(data: NDArray[np.uint8], start: int, stop: int) -> int:
    if stop - start != 1 or data[start] < ord("0") or data[start] > ord("8"):
        return BAD_DLC
    return int(data[start]) - ord("0")


@compiled()
def _without_empty_fields(data: NDArray[np.uint8], first: int, stop: int) -> int:
    """End of the last field that isn't empty, or the byte behind the comma `first`."""
    while stop > first + 1 and (data[stop - 1] == COMMA or is_blank(data[stop - 1])):
        stop -= 1
    return stop


@compiled()
def _last_comma(data: NDArray[np.uint8], first: int, stop: int) -> int:
    """Last comma before `stop`, at the earliest the one at `first`."""
    comma = stop - 1
    while comma > first and data[comma] != COMMA:
        comma -= 1
    return comma


@compiled()
def _flag(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0 for R and Normal, 1 for T and Attack, or a negative code."""
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
    # A payload byte in the flag's place: the row lacks its flag, it doesn't have a wrong one.
    byte = np.zeros(1, np.uint8)
    return NO_FLAG if len(field) == 2 and parse_payload(data, start, stop, byte) == 1 else BAD_FLAG


@compiled()
def _spaced_payload(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Number of bytes of two hex digits with commas or blanks between them.

    Or a negative code and the bounds of what is at fault.
    """
    count = 0
    begin = start
    while begin < stop:
        if data[begin] == COMMA or is_blank(data[begin]):
            begin += 1
            continue
        end = begin
        while end < stop and data[end] != COMMA and not is_blank(data[end]):
            end += 1
        if count == len(payload):
            return DLC_MISMATCH, start, stop
        if end - begin != 2:
            return ODD_PAYLOAD if end - begin == 1 else BAD_PAYLOAD, begin, end
        code = parse_payload(data, begin, end, payload[count : count + 1])
        if code < 0:
            return code, begin, end
        count += 1
        begin = end
    return count, start, stop
