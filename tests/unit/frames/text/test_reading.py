"""What all text formats share: line ends, timestamps, problems and lenient reading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.errors import DataError
from can_train.frames.paging import PIECE_BYTES, mapping_of
from can_train.frames.readers import read_recording
from can_train.frames.text.lines import count_line_ends
from tests.unit.frames.readers.texts import HEADER, fault, read, write


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blank_lines(tmp_path: Path, end: bytes, last: bool) -> None:
    lines = [HEADER.strip(), b"", b"1.0,1C7,00,1", b"  ", b"2.0,1C8,01,0"]
    frames = read(tmp_path, end.join(lines) + (end if last else b""))
    assert frames.arbitration_id.tolist() == [0x1C7, 0x1C8]
    assert frames.label.tolist() == [1, 0]


@given(st.binary(max_size=100), st.integers(0, 9), st.sampled_from([1, 300, 5000]))
def test_line_ends_are_counted(text: bytes, more: int, times: int) -> None:
    data = np.frombuffer(text * times + b"\n\x8a\x0b" * more, np.uint8)
    assert count_line_ends(data) == np.count_nonzero(data == ord("\n"))
    ends = np.full(8 * 255 * 2 + more, ord("\n"), np.uint8)
    assert count_line_ends(ends) == len(ends)


def test_byte_order_mark_before_the_first_frame(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf1.5,0316,1,05,R\n").timestamp.tolist() == [1.5]


def test_timestamps_that_step_back_or_stand_still_are_kept(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + b"2.0003,1,,0\n2.0,1,,0\n2.0,1,,0\n")
    assert frames.timestamp.tolist() == [2.0003, 2.0, 2.0]


def test_all_problems_at_once_then_a_count(tmp_path: Path) -> None:
    lines = fault(tmp_path, HEADER + b"1.0,1,0,0\n" * 12 + b"1.0,1,00,0\n")
    assert lines[0] == "F:2: payload has an odd number of hex digits: '0'"
    assert lines[9].startswith("F:11: ")
    assert lines[10] == "F: 2 more malformed lines"


def test_lenient_skips_counts_and_reports(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + b"1.0,1,00FG,0\n2.0,2,,0\nx,3,00,0\n4.0,4,01,1\n")
    result = read_recording(path, lenient=0.5)
    assert result.skipped == 2
    assert result.first_problems == (
        f"{path}:2: payload isn't hex digits: '00FG'",
        f"{path}:4: timestamp isn't a finite number of seconds: 'x'",
    )
    assert result.frames.timestamp.tolist() == [2.0, 4.0]
    assert result.frames.payload.tolist() == [[0] * 8, [1] + [0] * 7]
    assert result.frames.label.tolist() == [0, 1]


def test_file_without_frames(tmp_path: Path) -> None:
    assert fault(tmp_path, HEADER) == [
        "F: holds no frames. Leave the file out of the source folder"
    ]


CLASSIC_ROW = b"1.0,1A0,8,0011223344556677,0\n"
"""3,000 of them are more than the first bytes, by which a format is recognised."""


@pytest.mark.parametrize("digits", [24, 128])
def test_can_fd_that_only_follows_later_is_read(tmp_path: Path, digits: int) -> None:
    long = b"2.0,1A0,%d,%s,1\n" % (digits // 2, b"AF" * (digits // 2))
    frames = read(tmp_path, b"time,id,dlc,data,label\n" + CLASSIC_ROW * 3000 + long)
    assert frames.payload.shape == (3001, 64)
    assert frames.dlc[-1] == digits // 2
    assert frames.payload[-1].tolist() == [0xAF] * (digits // 2) + [0] * (64 - digits // 2)
    assert frames.payload[0].tolist() == [*bytes.fromhex("0011223344556677"), *[0] * 56]


def test_a_console_log_whose_can_fd_follows_later_is_read(tmp_path: Path) -> None:
    lines = [b" (1.000000)  can0  1A0   [8]  00 11 22 33 44 55 66 77"] * 2000
    long = b" (2.000000)  can0  1A0  [12]  " + b" ".join([b"AF"] * 12)
    frames = read(tmp_path, b"\n".join([*lines, long, b""]))
    assert frames.dlc[[0, -1]].tolist() == [8, 12]


def test_a_payload_of_no_length_of_can_fd_is_a_fault_of_its_line(tmp_path: Path) -> None:
    rows = CLASSIC_ROW * 3000 + b"2.0,1A0,9,001122334455667788,0\n"
    path = write(tmp_path, b"time,id,dlc,data,label\n" + rows)
    with pytest.raises(DataError, match=":3002: payload is longer than a frame's 8 bytes"):
        read_recording(path)


def test_a_recording_of_many_pieces_is_read_whole(tmp_path: Path) -> None:
    count = 2 * PIECE_BYTES // len(CLASSIC_ROW)
    rows = np.arange(count)
    text = b"".join(b"%d.5,1A0,00112233445566%02x,0\n" % (k, k & 255) for k in rows.tolist())
    frames = read(tmp_path, HEADER + text)
    assert len(frames) == count
    assert np.array_equal(frames.timestamp, rows + 0.5)
    assert np.array_equal(frames.payload[:, 7], rows & 255)
    assert mapping_of(frames.timestamp) is not None
    again = replace(frames, timestamp=frames.timestamp.copy(), payload=frames.payload.copy())
    assert frames.digest() == again.digest()


LONG_TEXTS = {
    "buses": [
        b"(%d.5) can%d 1%02X#00%02x" % (k, k // 7000, k % 40, k & 255) for k in range(20_000)
    ],
    "no frames": [b"(%d.5) can0 2000000%d#0011" % (k, k % 8) for k in range(9_000)]
    + [b"(9000.5) can0 1A0#R"],
    "can fd": [b"(%d.5) can0 1A0#0011" % k for k in range(30_000)]
    + [b"(30000.5) can0 1A0##0" + b"11" * 64],
    "late can fd": [b"t,id,dlc,data"]
    + [b"%d.5,1A0,8,0011223344556677" % k for k in range(20_000)]
    + [b"20000.5,1A0,12," + b"AF" * 12],
    "odd lines": [b"timestamp,arbitration_id,data_field,attack"]
    + [b"%d.5,1A0,0011,%d" % (k, k & 1) if k % 3000 else b"?,?" for k in range(20_000)],
    "empty lines": [b"(%d.5) can0 1A0#0011\n\n" % k for k in range(5_000)],
}


@pytest.mark.parametrize("lines", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_a_long_text_holds_what_a_short_one_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes]
) -> None:
    path = write(tmp_path, b"\n".join([*lines, b""]))
    short = read_recording(path, lenient=0.01)
    assert mapping_of(short.frames.payload) is None
    monkeypatch.setattr("can_train.frames.text.reading._LONG_BYTES", 0)
    long = read_recording(path, lenient=0.01)
    assert mapping_of(long.frames.payload) is not None
    assert long.frames.digest() == short.frames.digest()
    assert long.frames.payload.dtype == short.frames.payload.dtype
    if long.bus is None or short.bus is None:
        assert long.bus is short.bus
    else:
        assert np.array_equal(long.bus, short.bus)
    assert replace(long, frames=short.frames, bus=None) == replace(short, bus=None)
