"""Jitted reading of fields as recorders write them: what a fast pass over a text is made of.

A fast pass (`reading.Scan`) finds the next lines and reads those of the usual form at once, eight
bytes at a time and without looking for their ends first. Any other line is marked as `ODD` and left
to the format's parser, which knows all forms and what to say of a fault. So nothing here may read a
field in another way than that parser does: one of any other form ends at `OTHER`.

Eight bytes are one 64-bit word, the first byte in its lowest eight bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import MAX_EXTENDED_ID, MAX_STANDARD_ID
from can_train.frames.text.fields import (
    HEX,
    INT_EXTENDED_FLAG,
    LINE_FEED,
    MOST_DIGITS,
    decimal,
    is_blank,
)
from can_train.frames.text.lines import NO_BUS, WORD_BYTES

LONGEST: Final = 256
"""Bytes that a line of the usual form has at most: so far behind its begin nobody asks for the end
of the text. The last lines are odd."""

OTHER: Final = -1
"""Position behind a field that isn't of the usual form."""

_BLANK: Final = ord(" ")
_RETURN: Final = ord("\r")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_TEN: Final = 10


def _each(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101_0101_0101_0101)


_ZERO_EACH: Final = _each(ord("0"))
_HIGH_EACH: Final = _each(0x80)
_LOW_EACH: Final = _each(0x7F)
_NIBBLE_EACH: Final = _each(0x0F)
_ONE_EACH: Final = _each(1)
_LOWER_EACH: Final = _each(0x20)
_FROM_ZERO: Final = _each(0x80 - ord("0"))
_BEHIND_NINE: Final = _each(0x80 - ord("9") - 1)
_FROM_A: Final = _each(0x80 - ord("a"))
_BEHIND_F: Final = _each(0x80 - ord("f") - 1)
"""Added to bytes below 80: bit 7 says that they are at least '0', above '9', at least 'a', …"""

_INDEX: Final = np.uint64(0x0001_0203_0405_0607)
"""Times 2**(8k): its highest byte is k."""

_SEVENTH: Final = np.uint64(0x80 << 48)
_SEVEN_BYTES: Final = np.uint64((1 << 56) - 1)
"""What `_others` says of six digits, as microseconds have, and where it says so."""


@compiled()
def _word(data: NDArray[np.uint8], at: int) -> np.uint64:
    """The next eight bytes."""
    # Unsigned: an index that may count from the end keeps the compiler from making this one load.
    first = np.uint64(at)
    word = np.uint64(0)
    for k in range(8):
        word |= np.uint64(data[first + np.uint64(k)]) << np.uint64(8 * k)
    return word


@compiled()
def _run(others: np.uint64) -> np.uint64:
    """How many bytes stand before the first whose bit 7 is set."""
    if others == 0:
        return np.uint64(8)
    lowest = others & (~others + np.uint64(1))
    return ((lowest >> np.uint64(7)) * _INDEX) >> np.uint64(56)


@compiled()
def _others(word: np.uint64) -> np.uint64:
    """Bit 7 of each byte that is no decimal digit."""
    low = word & _LOW_EACH
    return (~(low + _FROM_ZERO) | (low + _BEHIND_NINE) | word) & _HIGH_EACH


@compiled()
def _eight_digits(word: np.uint64) -> np.uint64:
    """Value of eight decimal digits.

    Pairs are added up, then fours, then all eight: https://johnnylee-sde.github.io/
    (Fast numeric string to int).
    """
    digits = word & _NIBBLE_EACH
    digits = digits * np.uint64(10) + (digits >> np.uint64(8))
    pairs = np.uint64(0x0000_00FF_0000_00FF)
    upper = (digits & pairs) * np.uint64(0x000F_4240_0000_0064)
    lower = ((digits >> np.uint64(16)) & pairs) * np.uint64(0x0000_2710_0000_0001)
    return (upper + lower) >> np.uint64(32)


@compiled()
def _digits_at(data: NDArray[np.uint8], at: int, value: np.uint64) -> tuple[np.uint64, int]:
    """`value` with more decimal digits behind it, too many at most by one, and the byte behind."""
    last = at + MOST_DIGITS
    digit = np.uint8(data[np.uint64(at)] - _ZERO)
    while digit < _TEN and at <= last:
        value = value * np.uint64(_TEN) + np.uint64(digit)
        at += 1
        digit = np.uint8(data[np.uint64(at)] - _ZERO)
    return value, at


@compiled()
def _whole_at(data: NDArray[np.uint8], at: int) -> tuple[np.uint64, int]:
    """Decimal digits before a point, and the byte behind them: at once if they are ten.

    So many do seconds since 1970 have until the year 2286.
    """
    word = _word(data, at)
    tens = np.uint64(np.uint8(data[np.uint64(at + 8)] - _ZERO))
    ones = np.uint64(np.uint8(data[np.uint64(at + 9)] - _ZERO))
    if _others(word) or tens > 9 or ones > 9 or data[np.uint64(at + 10)] != _POINT:
        return _digits_at(data, at, np.uint64(0))
    return _eight_digits(word) * np.uint64(100) + tens * np.uint64(10) + ones, at + 10


@compiled()
def seconds_at(data: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """Seconds of digits with a point in them, as `fields.parse_time`, and the byte behind them."""
    mantissa, point = _whole_at(data, at)
    if data[np.uint64(point)] != _POINT:
        return np.nan, OTHER
    word = _word(data, point + 1)
    if _others(word) & _SEVEN_BYTES == _SEVENTH:
        mantissa = mantissa * np.uint64(10**6) + _eight_digits(word << np.uint64(16))
        end = point + 7
    else:
        mantissa, end = _digits_at(data, point + 1, mantissa)
    seconds = decimal(mantissa, end - at - 1, end - point - 1)
    return seconds, end if seconds == seconds else OTHER


@compiled()
def _hex(word: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Values of the hex digits at the begin of a word, a byte each, and how many there are."""
    low = word & _LOW_EACH
    letters = low | _LOWER_EACH
    is_digit = (low + _FROM_ZERO) & ~(low + _BEHIND_NINE)
    is_letter = (letters + _FROM_A) & ~(letters + _BEHIND_F)
    count = _run((~(is_digit | is_letter) | word) & _HIGH_EACH)
    # Letters have bit 6, digits don't, and A is 1 in its lowest four bits.
    letter = (word >> np.uint64(6)) & _ONE_EACH
    return (word & _NIBBLE_EACH) + letter * np.uint64(9), count


@compiled()
def _bytes(digits: np.uint64) -> np.uint64:
    """Four bytes of eight hex digits, in their order."""
    pairs = ((digits << np.uint64(4)) | (digits >> np.uint64(8))) & np.uint64(0x00FF_00FF_00FF_00FF)
    fours = (pairs | (pairs >> np.uint64(8))) & np.uint64(0x0000_FFFF_0000_FFFF)
    return (fours | (fours >> np.uint64(16))) & np.uint64(0xFFFF_FFFF)


@compiled()
def id_at(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Arbitration ID of hex digits, bit 31 set above 7FF, and the byte behind them."""
    digits, count = _hex(_word(data, at))
    if count == 0:
        return 0, OTHER
    reversed_ = _bytes(digits << (np.uint64(64) - np.uint64(8) * count))
    value = 0
    for k in range(4):
        value = (value << 8) | int(np.int64((reversed_ >> np.uint64(8 * k)) & np.uint64(0xFF)))
    end = at + int(np.int64(count))
    if value > MAX_EXTENDED_ID:
        return value, OTHER
    return value | INT_EXTENDED_FLAG if value > MAX_STANDARD_ID else value, end


@compiled()
def payload_at(data: NDArray[np.uint8], at: int) -> tuple[np.uint64, int]:
    """Up to eight bytes of two hex digits each, as a word, and the byte behind them."""
    digits, count = _hex(_word(data, at))
    if count < 8:
        payload = _bytes(digits) & ((np.uint64(1) << (np.uint64(4) * count)) - np.uint64(1))
        return payload, OTHER if count & np.uint64(1) else at + int(np.int64(count))
    payload = _bytes(digits)
    digits, count = _hex(_word(data, at + 8))
    rest = _bytes(digits) & ((np.uint64(1) << (np.uint64(4) * count)) - np.uint64(1))
    payload |= rest << np.uint64(32)
    return payload, OTHER if count & np.uint64(1) else at + 8 + int(np.int64(count))


@compiled()
def byte_list_at(data: NDArray[np.uint8], at: int, count: int, other: int) -> tuple[np.uint64, int]:
    """So many bytes (at most eight), a blank or `other` before each, and the byte behind them."""
    payload = np.uint64(0)
    faults = np.uint8(0)
    for k in range(count):
        first = np.uint64(at + 3 * k)
        between = data[first]
        high = HEX[data[first + np.uint64(1)]]
        low = HEX[data[first + np.uint64(2)]]
        # Digits are below 16, what is none is 255.
        faults |= (high | low) & np.uint8(0xF0)
        faults |= np.uint8(between != _BLANK and between != other)
        payload |= np.uint64(high * 16 + low) << np.uint64(8 * k)
    return payload, OTHER if faults else at + 3 * count


@compiled()
def bus_at(data: NDArray[np.uint8], at: int) -> tuple[np.uint64, int]:
    """Name of a bus (`lines.bus_word`) of at most eight bytes, and the byte behind it."""
    word = NO_BUS
    begin = at
    while data[np.uint64(at)] > _BLANK and at - begin < WORD_BYTES:
        word |= np.uint64(data[np.uint64(at)]) << np.uint64(8 * (at - begin))
        at += 1
    return word, at if at > begin else OTHER


@compiled()
def behind_blanks(data: NDArray[np.uint8], at: int, last: int) -> int:
    """The first byte that is no blank, or `last`."""
    while at < last and is_blank(data[np.uint64(at)]):
        at += 1
    return at


@compiled()
def line_end_at(data: NDArray[np.uint8], at: int) -> int:
    """The byte behind a line end."""
    if data[np.uint64(at)] == _RETURN:
        at += 1
    return at + 1 if data[np.uint64(at)] == LINE_FEED else OTHER
