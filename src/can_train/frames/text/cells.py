"""Jitted parsers of the cells of a table: numbers of either base, payloads, words of labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.fields import (
    BAD_ID,
    BAD_LABEL,
    BAD_PAYLOAD,
    COMMA,
    HEX,
    NOT_HEX,
    ODD_PAYLOAD,
    PAYLOAD_TOO_LONG,
    is_blank,
    parse_time,
)
from can_train.frames.text.roles import ATTACK_WORDS, BENIGN_WORDS

HEX_TEXT, BASE64, DECIMAL_BYTES = range(3)
"""Encodings of a payload in one cell."""

_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_NINE: Final = ord("9")
_TRUE: Final = ("1", "1.0", "true", "t", "yes", "y", "x", "ext", "extended", "xtd")
_LARGEST: Final = 1 << 40
_LOWER: Final = 0x20
_FNV_START: Final = np.uint64(0xCBF2_9CE4_8422_2325)
_FNV_PRIME: Final = np.uint64(0x0000_0100_0000_01B3)
"""FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/."""


@compiled()
def word_hash(data: NDArray[np.uint8], start: int, stop: int) -> np.uint64:
    """A number that stands for the bytes of a word, in lower case."""
    found = _FNV_START
    for i in range(start, stop):
        byte = data[i]
        if ord("A") <= byte <= ord("Z"):
            byte |= _LOWER
        found = (found ^ np.uint64(byte)) * _FNV_PRIME
    return found


def hashes(words: Iterable[str]) -> NDArray[np.uint64]:
    """`word_hash` of words in lower case [K]."""
    return np.array([_hash_of(word.encode()) for word in words], np.uint64)


def _hash_of(word: bytes) -> int:
    found = int(_FNV_START)
    for byte in word:
        found = ((found ^ byte) * int(_FNV_PRIME)) % (1 << 64)
    return found


_BENIGN: Final = hashes(BENIGN_WORDS)
_ATTACK: Final = hashes(ATTACK_WORDS)
_TRUE_WORDS: Final = hashes(_TRUE)


@compiled()
def _is_among(word: np.uint64, words: NDArray[np.uint64]) -> bool:
    for other in words:
        if word == other:
            return True
    return False


@compiled()
def is_true(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether a cell says yes."""
    return _is_among(word_hash(data, start, stop), _TRUE_WORDS)


@compiled()
def parse_label_word(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0 for a benign frame, 1 for an attack or any kind of it, or a negative code."""
    if start == stop:
        return BAD_LABEL
    word = word_hash(data, start, stop)
    if _is_among(word, _BENIGN):
        return 0
    if _is_among(word, _ATTACK):
        return 1
    is_number = _ZERO <= data[start] <= _NINE or data[start] == ord("-")
    return BAD_LABEL if is_number else 1


@compiled()
def parse_number(data: NDArray[np.uint8], start: int, stop: int, point: int) -> float:
    """A timestamp, with a point or a comma before its decimals; NaN where it is none."""
    if point == COMMA:
        text = data[start:stop].copy()
        for i in range(len(text)):
            if text[i] == COMMA:
                text[i] = _POINT
        return parse_time(text, 0, len(text))
    return parse_time(data, start, stop)


@compiled()
def parse_integer(data: NDArray[np.uint8], start: int, stop: int, base: int) -> int:
    """A whole number, with 0x before hex digits and .0 behind decimal ones; else BAD_ID."""
    if stop - start > 2 and data[start] == _ZERO and data[start + 1] | _LOWER == ord("x"):
        start, base = start + 2, 16
    if base == 10 and stop - start > 2 and data[stop - 1] == _ZERO and data[stop - 2] == _POINT:
        stop -= 2
    if start >= stop:
        return BAD_ID
    value = 0
    for i in range(start, stop):
        digit = HEX[data[i]]
        if digit >= base:
            return BAD_ID
        value = min(value * base + digit, _LARGEST)
    return value


@compiled()
def parse_bytes(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8], encoding: int
) -> int:
    """Decodes a payload; number of bytes, or a negative code."""
    if encoding == BASE64:
        return _base64(data, start, stop, payload)
    return _byte_list(data, start, stop, payload, 10 if encoding == DECIMAL_BYTES else 16)


@compiled()
def _byte_list(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8], base: int
) -> int:
    """Bytes with separators between them, or hex digits without."""
    if stop - start == 2 and data[start] == _ZERO and data[start + 1] | _LOWER == ord("x"):
        return 0
    count = 0
    begin = start
    while begin < stop:
        if _is_separator(data[begin]):
            begin += 1
            continue
        end = begin
        while end < stop and not _is_separator(data[end]):
            end += 1
        whole = begin == start and end == stop
        if base == 16 and end - begin > 2:
            count = _hex_run(data, begin, end, payload, count)
        elif base == 16 and whole and end - begin == 1:
            return ODD_PAYLOAD
        else:
            value = parse_integer(data, begin, end, base)
            if count == len(payload):
                return PAYLOAD_TOO_LONG
            if not 0 <= value <= 255:
                return BAD_PAYLOAD
            payload[count] = value
            count += 1
        if count < 0:
            return count
        begin = end
    return count


@compiled()
def _hex_run(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8], count: int
) -> int:
    """Adds bytes of two digits each behind the first `count`."""
    if data[start] == _ZERO and data[start + 1] | _LOWER == ord("x"):
        start += 2
        if stop - start == 1:
            payload[count] = HEX[data[start]]
            return count + 1 if HEX[data[start]] != NOT_HEX else BAD_PAYLOAD
    if (stop - start) % 2:
        return ODD_PAYLOAD
    while start < stop:
        if count == len(payload):
            return PAYLOAD_TOO_LONG
        high, low = HEX[data[start]], HEX[data[start + 1]]
        if high == NOT_HEX or low == NOT_HEX:
            return BAD_PAYLOAD
        payload[count] = high * 16 + low
        count += 1
        start += 2
    return count


@compiled()
def _is_separator(byte: int) -> bool:
    return is_blank(byte) or byte in (_POINT, ord("-"), ord(":"), ord("_"), COMMA)


def _sixty_four() -> NDArray[np.uint8]:
    table = np.full(256, NOT_HEX, np.uint8)
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    table[np.frombuffer(digits, np.uint8)] = np.arange(64)
    return table


_SIXTY_FOUR: Final = _sixty_four()


@compiled()
def _base64(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    """RFC 4648, with its padding."""
    if (stop - start) % 4:
        return BAD_PAYLOAD
    while stop > start and data[stop - 1] == ord("="):
        stop -= 1
    bits = held = count = 0
    for i in range(start, stop):
        digit = _SIXTY_FOUR[data[i]]
        if digit == NOT_HEX:
            return BAD_PAYLOAD
        bits = ((bits << 6) | digit) & 0xFFFF
        held += 6
        if held >= 8:
            held -= 8
            if count == len(payload):
                return PAYLOAD_TOO_LONG
            payload[count] = (bits >> held) & 0xFF
            count += 1
    return count
