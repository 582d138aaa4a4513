"""Jitted parsers of single fields, over the raw bytes of a text file.

All take the bytes and the bounds of a field, `data[start:stop]`. They raise nothing: a negative
result is one of the codes below, which `MESSAGES` puts into words.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

BAD_TIMESTAMP: Final = -1
BAD_ID: Final = -2
ID_TOO_LARGE: Final = -3
ODD_PAYLOAD: Final = -4
BAD_PAYLOAD: Final = -5
PAYLOAD_TOO_LONG: Final = -6
BAD_LABEL: Final = -7
BAD_FIELD_COUNT: Final = -8
BAD_DLC: Final = -9
DLC_MISMATCH: Final = -10
BAD_FLAG: Final = -11
NO_FLAG: Final = -12
BAD_LAYOUT: Final = -13
BAD_FD_LENGTH: Final = -14
TOO_FEW_FIELDS: Final = -15

MESSAGES: Final[dict[int, str]] = {
    BAD_TIMESTAMP: "timestamp isn't a finite number of seconds",
    BAD_ID: "arbitration ID isn't 1 to 8 hex digits",
    ID_TOO_LARGE: "arbitration ID is above 1FFFFFFF, the largest 29-bit one",
    ODD_PAYLOAD: "payload has an odd number of hex digits",
    BAD_PAYLOAD: "payload isn't hex digits",
    PAYLOAD_TOO_LONG: "payload is longer than a frame's 8 bytes (CAN FD: 64)",
    BAD_LABEL: "label is neither 0 nor 1",
    BAD_FIELD_COUNT: "number of fields differs from the header's",
    BAD_DLC: "DLC isn't a number from 0 to 8",
    DLC_MISMATCH: "number of payload bytes differs from the DLC",
    BAD_FLAG: "last field is neither R nor T (nor Normal, Attack)",
    NO_FLAG: "the flag R or T after the payload is missing",
    BAD_LAYOUT: "not of the form (seconds) interface ID#PAYLOAD",
    BAD_FD_LENGTH: "CAN FD payload isn't 0-8, 12, 16, 20, 24, 32, 48 or 64 bytes",
    TOO_FEW_FIELDS: "not of the form seconds,ID,DLC,bytes,flag",
}

MAX_EXTENDED_ID: Final = 0x1FFF_FFFF
_MAX_STANDARD_ID: Final = 0x7FF
_EXTENDED_FLAG: Final = 0x8000_0000
_NOT_HEX: Final = 255
_EXACT_MANTISSA: Final = 1 << 53
_MOST_DIGITS: Final = 19
"""Decimal digits that always fit 64 bits."""

_MOST_PLACES: Final = 22
"""10**22 is the largest power of ten that float64 holds exactly."""

_SPLITTER: Final = float((1 << 27) + 1)
_SLACK: Final = 2.0**-50


def _hex_table() -> NDArray[np.uint8]:
    table = np.full(256, _NOT_HEX, np.uint8)
    for value, digit in enumerate("0123456789abcdef"):
        table[ord(digit)] = table[ord(digit.upper())] = value
    return table


_HEX: Final = _hex_table()
_POWERS: Final = np.array([float(10**k) for k in range(_MOST_PLACES + 1)])


@numba.njit(cache=True, nogil=True, inline="always")
def is_blank(byte: int) -> bool:
    """Whether a byte is a space, a tab or a carriage return."""
    return byte == 32 or byte == 9 or byte == 13


@numba.njit(cache=True, nogil=True)
def trim(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Bounds without the blanks on both sides."""
    while start < stop and is_blank(data[start]):
        start += 1
    while start < stop and is_blank(data[stop - 1]):
        stop -= 1
    return start, stop


@numba.njit(cache=True, nogil=True)
def find(data: NDArray[np.uint8], start: int, stop: int, byte: int) -> int:
    """Position of the first `byte`, or `stop`."""
    while start < stop and data[start] != byte:
        start += 1
    return start


@numba.njit(cache=True, nogil=True)
def parse_time(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds exactly as `float()` reads them, or NaN where only `float()` can tell.

    Up to 2**53 the quotient mantissa / 10**k of two exact numbers is correctly rounded. Above,
    up to 2**64, it is corrected by the exact remainder of the division (T. J. Dekker, Numerische
    Mathematik 18, 1971); a result so near the middle of two floats that the correction's own
    rounding could matter is left to `float()`.
    """
    mantissa = np.uint64(0)
    digits = 0
    places = -1
    for i in range(start, stop):
        byte = data[i]
        if byte == 46 and places < 0:
            places = 0
            continue
        if byte < 48 or byte > 57:
            return np.nan
        mantissa = mantissa * np.uint64(10) + np.uint64(byte - 48)
        digits += 1
        if places >= 0:
            places += 1
    if digits == 0 or digits > _MOST_DIGITS:
        return np.nan
    divisor = float(_POWERS[max(places, 0)])
    if mantissa < np.uint64(_EXACT_MANTISSA):
        return float(np.int64(mantissa)) / divisor
    return float(_divide_exactly(mantissa, divisor))


@numba.njit(cache=True, nogil=True)
def _divide_exactly(mantissa: np.uint64, divisor: float) -> float:
    high_part = mantissa & ~np.uint64(0x7FF)
    high = float(high_part)
    low = float(np.int64(mantissa - high_part))
    quotient = high / divisor
    product = quotient * divisor
    a = quotient * _SPLITTER
    a_high = a - (a - quotient)
    a_low = quotient - a_high
    b = divisor * _SPLITTER
    b_high = b - (b - divisor)
    b_low = divisor - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    rest = ((high - product) - error + low) / divisor
    below = quotient + rest * (1.0 - _SLACK)
    above = quotient + rest * (1.0 + _SLACK)
    return below if below == above else np.nan


@numba.njit(cache=True, nogil=True)
def parse_id(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """Arbitration ID from hex digits, bit 31 set above 7FF, or a negative code."""
    if stop - start < 1 or stop - start > 8:
        return BAD_ID
    value = 0
    for i in range(start, stop):
        digit = _HEX[data[i]]
        if digit == _NOT_HEX:
            return BAD_ID
        value = value * 16 + digit
    if value > MAX_EXTENDED_ID:
        return ID_TOO_LARGE
    return value | _EXTENDED_FLAG if value > _MAX_STANDARD_ID else value


@numba.njit(cache=True, nogil=True)
def parse_label(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0, 1 or a negative code."""
    if stop - start != 1 or data[start] < 48 or data[start] > 49:
        return BAD_LABEL
    return int(data[start]) - 48


@numba.njit(cache=True, nogil=True)
def parse_payload(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]
) -> int:
    """Decodes hex digits into `payload` [P]; number of bytes, or a negative code."""
    digits = stop - start
    if digits % 2:
        return ODD_PAYLOAD
    if digits > 2 * len(payload):
        return PAYLOAD_TOO_LONG
    for k in range(digits // 2):
        high = _HEX[data[start + 2 * k]]
        low = _HEX[data[start + 2 * k + 1]]
        if high == _NOT_HEX or low == _NOT_HEX:
            return BAD_PAYLOAD
        payload[k] = high * 16 + low
    return digits // 2


@numba.njit(cache=True, nogil=True)
def decode_payloads(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    payload: NDArray[np.uint8],
    dlc: NDArray[np.uint8],
) -> tuple[int, int]:
    """Decodes N hex strings that stand one after the other.

    Args:
        data: The strings' bytes.
        ends: End of each string in `data` [N].
        payload: Zeroed output [N, P].
        dlc: Output [N].

    Returns:
        Index of the first malformed string and its code, or N and 0.
    """
    begin = 0
    for i in range(len(ends)):
        start, stop = trim(data, begin, ends[i])
        count = parse_payload(data, start, stop, payload[i])
        if count < 0:
            return i, count
        dlc[i] = count
        begin = ends[i]
    return len(ends), 0
