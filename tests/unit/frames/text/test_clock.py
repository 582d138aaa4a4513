"""Dates and times of day as seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.frames.text.clock import parse_moment


def moment(text: str) -> float:
    data = np.frombuffer(text.encode(), np.uint8)
    return float(parse_moment(data, 0, len(data)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)), st.sampled_from("-/"))
def test_dates_are_those_of_datetime(when: datetime, separator: str) -> None:
    text = when.strftime(f"%Y{separator}%m{separator}%d %H:%M:%S.%f").rjust(26, "0")
    assert moment(text) == pytest.approx(when.replace(tzinfo=UTC).timestamp(), abs=1e-6)


def test_times_of_day() -> None:
    assert moment("22:17:28:928") == 22 * 3600 + 17 * 60 + 28.928
    assert moment("22:17:28:12") == 22 * 3600 + 17 * 60 + 28.012
    assert moment("22:17:28:9281") == 22 * 3600 + 17 * 60 + 28.9281
    assert moment("00:00:01,5") == 1.5
    assert moment("09T140808105") == 9 * 86400 + 14 * 3600 + 8 * 60 + 8.105
    assert moment("00:00:59") == 59.0
    assert moment("12.25") == 12.25


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["{:+03d}:{:02d}", "{:+03d}{:02d}"]),
)
def test_a_zone_behind_a_date(when: datetime, minutes: int, form: str) -> None:
    zone = form.format(abs(minutes) // 60, abs(minutes) % 60)
    zone = zone.replace("+", "-") if minutes < 0 else zone
    expected = when.replace(tzinfo=timezone(timedelta(minutes=minutes))).timestamp()
    assert moment(f"{when:%Y-%m-%dT%H:%M:%S.%f}{zone}") == pytest.approx(expected, abs=1e-6)


def test_a_zone_of_whole_hours() -> None:
    assert moment("1970-01-02 02:00:00+02") == 86400.0
    assert moment("1970-01-01T22:00:00.5-02") == 86400.5


@pytest.mark.parametrize(
    "text",
    ["", "x", "12:60:00", "12:00", "12:00:00.", "12:00:00x", "2020-13-01 00:00:00",
     "2020-01-00 00:00:00", "2020-01/01 00:00:00", "2020-01-01", "2020-01-01 00:00:00+1:00",
     "2020-01-01 00:00:00+01:0", "2020-01-01 00:00:00+01:60", "2020-01-01 00:00:00+01:00x",
     "2020-01-01 00:00:00+010", "2020-01-01 00:00:00+", "2020-01-01 +01:00",
     "01.02.2020 00:00:00", ":::", "::", "1:2:3.1234567891", "09T1408081", "9T140808105"],
)  # fmt: skip
def test_what_is_neither(text: str) -> None:
    assert np.isnan(moment(text))
