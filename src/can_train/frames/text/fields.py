"""Jitted parsers of single fields, over the raw bytes of a text file.

All take the bytes and the bounds of a field, `data[start:stop]`. They raise nothing: a negative
result is one of the codes below, which `MESSAGES` puts into words. Formats add codes of their own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import EXTENDED_FLAG, MAX_EXTENDED_ID, MAX_STANDARD_ID

BAD_TIMESTAMP: Final = -1
BAD_ID: Final = -2
ID_TOO_LARGE: Final = -3
ODD_PAYLOAD: Final = -4
BAD_PAYLOAD: Final = -5
PAYLOAD_TOO_LONG: Final = -6
BAD_LABEL: Final = -7

MESSAGES: Final[dict[int, str]] = {
    BAD_TIMESTAMP: "timestamp isn't a finite number of seconds",
    BAD_ID: "arbitration ID isn't 1 to 8 hex digits",
    ID_TOO_LARGE: "arbitration ID is above 1FFFFFFF, the largest 29-bit one",
    ODD_PAYLOAD: "payload has an odd number of hex digits",
    BAD_PAYLOAD: "payload isn't hex digits",
    PAYLOAD_TOO_LONG: "payload is longer than a frame's 8 bytes (CAN FD: 64)",
    BAD_LABEL: "label is neither 0 nor 1",
}

LINE_FEED: Final = ord("\n")
COMMA: Final = ord(",")
_BLANK: Final = ord(" ")
_TAB: Final = ord("\t")
_RETURN: Final = ord("\r")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_NINE: Final = ord("9")

INT_EXTENDED_FLAG: Final = int(EXTENDED_FLAG)
"""As a plain integer: a negative code must fit the same variable as an ID."""

NOT_HEX: Final = 255
_EXACT_MANTISSA: Final = 1 << 53
"""Up to here float64 holds every whole number."""

MOST_DIGITS: Final = 19
"""Decimal digits that always fit 64 bits."""

_MOST_PLACES: Final = 22
"""10**22 is the largest power of ten that float64 holds exactly."""

_LOW_BITS: Final = 0x7FF
"""64 bits minus the 53 of a float64's mantissa: what a large mantissa may lose when converted."""

_SPLITTER: Final = float((1 << 27) + 1)
"""Veltkamp's constant 2**27 + 1: cuts a float64 into two halves whose products are exact."""

_SLACK: Final = 2.0**-50
"""Bounds the relative error of the remainder below: a few roundings of 2**-53 each."""


def _hex_table() -> NDArray[np.uint8]:
    table = np.full(256, NOT_HEX, np.uint8)
    for value, digit in enumerate("0123456789abcdef"):
        table[ord(digit)] = table[ord(digit.upper())] = value
    return table


HEX: Final = _hex_table()
_POWERS: Final = np.array([float(10**k) for k in range(_MOST_PLACES + 1)])


@compiled(inline=True)
def is_blank(byte: int) -> bool:
    """Whether a byte is a space, a tab or a carriage return."""
    return byte == _BLANK or byte == _TAB or byte == _RETURN


@compiled()
def trim(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Bounds without the blanks on both sides."""
    while start < stop and is_blank(data[start]):
        start += 1
    while start < stop and is_blank(data[stop - 1]):
        stop -= 1
    return start, stop


@compiled()
def find(data: NDArray[np.uint8], start: int, stop: int, byte: int) -> int:
    """Position of the first `byte`, or `stop`."""
    while start < stop and data[start] != byte:
        start += 1
    return start


@compiled()
def parse_time(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds exactly as `float()` reads them, or NaN where only `float()` can tell."""
    mantissa = np.uint64(0)
    digits = 0
    places = -1
    for i in range(start, stop):
        byte = data[i]
        if byte == _POINT and places < 0:
            places = 0
            continue
        if byte < _ZERO or byte > _NINE:
            return np.nan  # signs, exponents and words are rare: not worth a second parser here
        mantissa = mantissa * np.uint64(10) + np.uint64(byte - _ZERO)
        digits += 1
        if places >= 0:
            places += 1
    return decimal(mantissa, digits, max(places, 0))


@compiled()
def decimal(mantissa: np.uint64, digits: int, places: int) -> float:
    """The number that so many digits mean, the last `places` of them decimals, or NaN.

    Up to 2**53 the quotient mantissa / 10**k of two exact numbers is correctly rounded. Above,
    up to 2**64, it is corrected by the exact remainder of the division (T. J. Dekker, Numerische
    Mathematik 18, 1971); a result so near the middle of two floats that the correction's own
    rounding could matter is left to `float()`.

    Args:
        mantissa: The digits as one whole number, modulo 2**64.
        digits: How many there are.
        places: How many of them stand behind the point.
    """
    if digits == 0 or digits > MOST_DIGITS:
        return np.nan
    divisor = float(_POWERS[places])
    if mantissa < np.uint64(_EXACT_MANTISSA):
        return float(np.int64(mantissa)) / divisor
    return float(_divide_exactly(mantissa, divisor))


@compiled()
def _divide_exactly(mantissa: np.uint64, divisor: float) -> float:
    """The quotient, correctly rounded, or NaN where its last bit stays in doubt."""
    # float64 holds 53 of the 64 bits. Recorders write 1672531200.003094123: 19 digits don't fit.
    high_part = mantissa & ~np.uint64(_LOW_BITS)
    high = float(high_part)
    low = float(np.int64(mantissa - high_part))
    quotient = high / divisor
    product = quotient * divisor
    # Dekker's product: what `product` lost by rounding, exactly, without a fused multiply-add.
    a = quotient * _SPLITTER
    a_high = a - (a - quotient)
    a_low = quotient - a_high
    b = divisor * _SPLITTER
    b_high = b - (b - divisor)
    b_low = divisor - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    rest = ((high - product) - error + low) / divisor
    # Both ends of the remainder's error round to one float, or only `float()` can tell.
    below = quotient + rest * (1.0 - _SLACK)
    above = quotient + rest * (1.0 + _SLACK)
    return below if below == above else np.nan


@compiled()
def parse_id(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """Arbitration ID from hex digits, bit 31 set above 7FF, or a negative code."""
    if stop - start < 1 or stop - start > 8:
        return BAD_ID
    value = 0
    for i in range(start, stop):
        digit = HEX[data[i]]
        if digit == NOT_HEX:
            return BAD_ID
        value = value * 16 + digit
    if value > MAX_EXTENDED_ID:
        return ID_TOO_LARGE
    return value | INT_EXTENDED_FLAG if value > MAX_STANDARD_ID else value


@compiled()
def parse_label(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0, 1 or a negative code."""
    if stop - start != 1 or data[start] < _ZERO or data[start] > _ZERO + 1:
        return BAD_LABEL
    return int(data[start]) - _ZERO


@compiled()
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
        high = HEX[data[start + 2 * k]]
        low = HEX[data[start + 2 * k + 1]]
        if high == NOT_HEX or low == NOT_HEX:
            return BAD_PAYLOAD
        payload[k] = high * 16 + low
    return digits // 2


@compiled()
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
