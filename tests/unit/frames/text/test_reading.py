"""What all text formats share: line ends, timestamps, problems and lenient reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.frames.readers import read_recording
from tests.unit.frames.readers.texts import HEADER, fault, read, write


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blank_lines(tmp_path: Path, end: bytes, last: bool) -> None:
    lines = [HEADER.strip(), b"", b"1.0,1C7,00,1", b"  ", b"2.0,1C8,01,0"]
    frames = read(tmp_path, end.join(lines) + (end if last else b""))
    assert frames.arbitration_id.tolist() == [0x1C7, 0x1C8]
    assert frames.label.tolist() == [1, 0]


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
