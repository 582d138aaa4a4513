"""Jitted parsers of timestamps that are dates or times of day.

    2020-09-13 12:26:40.000156      2020/09/13T12:26:40Z      22:17:28:928      09T140808105

A date is taken for UTC unless a zone stands behind it, such as +02:00. The last one is that
of CLX000 loggers: day of the month, hours, minutes, seconds and milliseconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.fields import parse_time

_ZERO: Final = ord("0")
_NINE: Final = ord("9")
_COLON: Final = ord(":")
_HYPHEN: Final = ord("-")
_SLASH: Final = ord("/")
_YEAR_DIGITS: Final = 4
_MOST_DIGITS: Final = 9
"""Digits of a fraction that count: nanoseconds."""

_COMPACT_DIGITS: Final = 9
_ZONE_DIGITS: Final = 4
MINUTE_S: Final = 60
DAY_S: Final = 86400
_EPOCH_DAY: Final = 719_468
"""1970-01-01 counted from 0000-03-01, the first day of a cycle of 400 years."""


@compiled()
def parse_moment(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds of a plain number, a date or a time of day; NaN where neither is there."""
    seconds = parse_time(data, start, stop)
    return seconds if seconds == seconds else parse_clock(data, start, stop)


@compiled()
def parse_clock(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds since 1970 of `date time`, or since midnight of `time`; NaN if it is neither."""
    days = 0
    year, end = _digits(data, start, stop)
    if end - start == 2 and end < stop and data[end] == ord("T"):
        return year * DAY_S + _compact_time(data, end + 1, stop)
    if end - start == _YEAR_DIGITS and end < stop and data[end] in (_HYPHEN, _SLASH):
        month, next_end = _digits(data, end + 1, stop)
        if next_end >= stop or data[next_end] != data[end] or not 1 <= month <= 12:
            return np.nan
        day, end = _digits(data, next_end + 1, stop)
        if end >= stop or not 1 <= day <= 31 or (data[end] != ord(" ") and data[end] != ord("T")):
            return np.nan
        days = days_since_1970(year, month, day)
        start = end + 1
    if stop > start and data[stop - 1] == ord("Z"):
        stop -= 1
    ahead, stop = _zone(data, start, stop)
    return days * DAY_S + _time_of_day(data, start, stop) - ahead


@compiled()
def days_since_1970(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar, whose years begin in March here."""
    if month <= 2:
        year -= 1
        month += 12
    of_year = (153 * (month - 3) + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + of_year - _EPOCH_DAY


@compiled()
def _zone(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """How far a zone `+hh:mm`, `+hhmm` or `+hh` is ahead of UTC [s], and where it begins."""
    sign = start
    while sign < stop and data[sign] != ord("+") and data[sign] != _HYPHEN:
        sign += 1
    hours, end = _digits(data, sign + 1, stop)
    minutes, last = 0, end
    if end - sign - 1 == _ZONE_DIGITS:
        hours, minutes = hours // 100, hours % 100
    elif end - sign - 1 != 2:
        return 0, stop
    elif end < stop and data[end] == _COLON:
        minutes, last = _digits(data, end + 1, stop)
        if last - end - 1 != 2:
            return 0, stop
    if last != stop or minutes >= MINUTE_S:
        return 0, stop
    seconds = (hours * MINUTE_S + minutes) * MINUTE_S
    return seconds if data[sign] == ord("+") else -seconds, sign


@compiled()
def _time_of_day(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds of `hh:mm:ss` with a fraction behind a point, a comma or a colon, or NaN."""
    hour, end = _digits(data, start, stop)
    if end == start or end >= stop or data[end] != _COLON:
        return np.nan
    minute, next_end = _digits(data, end + 1, stop)
    if next_end == end + 1 or next_end >= stop or data[next_end] != _COLON:
        return np.nan
    second, end = _digits(data, next_end + 1, stop)
    if end == next_end + 1 or minute >= MINUTE_S or second > MINUTE_S:
        return np.nan
    whole = (hour * MINUTE_S + minute) * MINUTE_S + second
    if end == stop:
        return float(whole)
    if data[end] not in (ord("."), ord(","), _COLON):
        return np.nan
    fraction, last = _digits(data, end + 1, stop)
    if last != stop or not 1 <= last - end - 1 <= _MOST_DIGITS:
        return np.nan
    places = last - end - 1
    # Behind a colon milliseconds are counted, by some tools without leading zeros.
    return whole + fraction / 10.0 ** (max(places, 3) if data[end] == _COLON else places)


@compiled()
def _compact_time(data: NDArray[np.uint8], start: int, stop: int) -> float:
    """Seconds of `hhmmssmmm`, or NaN."""
    value, end = _digits(data, start, stop)
    if end != stop or stop - start != _COMPACT_DIGITS:
        return np.nan
    seconds = value // 1000
    minutes = seconds // 100
    whole = (minutes // 100 * MINUTE_S + minutes % 100) * MINUTE_S + seconds % 100
    return whole + value % 1000 / 1000.0


@compiled()
def _digits(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Value of the decimal digits from `start`, and the byte behind them."""
    value = 0
    while start < stop and _ZERO <= data[start] <= _NINE:
        value = min(value * 10 + int(data[start]) - _ZERO, 1 << 40)
        start += 1
    return value, start
