"""Lines of candump on a pipe become frames, whole or not."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from can_train.frames.readers import read_recording
from can_train.streaming.lines import frames_of_lines
from can_train.streaming.pacing import joined

LINES = b"""\
(1674148739.212264) can0 112#FF0015
(1674148739.212487) can0 18FEF200#0102030405060708 T
(1674148739.213) can0 7FF#
(1674148739.214) can0 123#R2
"""


def frames_from(pieces: list[bytes], told: list[str], width: int = 8):
    begin, end = os.pipe()

    def write() -> None:
        with open(end, "wb", buffering=0) as pipe:
            for piece in pieces:
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    found = joined(list(frames_of_lines(begin, told.append, width)))
    writer.join()
    os.close(begin)
    return found


@pytest.mark.parametrize("size", [1000, 7])
def test_they_are_those_of_the_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "drive.log"
    path.write_bytes(LINES)
    told: list[str] = []
    pieces = [LINES[at : at + size] for at in range(0, len(LINES), size)]
    found, expected = frames_from(pieces, told), read_recording(path).frames
    assert found.digest() == expected.digest()
    assert told == []


def test_lines_that_are_none_are_left_out_and_told_once() -> None:
    told: list[str] = []
    found = frames_from([b"# remark\nhello\n" + LINES + b"(1.0) can0 112#F\n(2"], told)
    assert len(found) == 4
    assert len(told) == 1 and "leaves out lines" in told[0]


def test_can_fd_needs_room() -> None:
    line = b"(1.0) can0 112##1" + b"AB" * 12 + b"\n"
    told: list[str] = []
    assert len(frames_from([line], told)) == 0
    assert told
    assert frames_from([line], told, width=64).dlc.tolist() == [12]


def test_a_time_that_is_no_number_is_left_out() -> None:
    told: list[str] = []
    endless = b"(" + b"9" * 310 + b") can0 112#00\n"
    assert np.isfinite(frames_from([endless + LINES + endless], told).timestamp).all()
    assert len(told) == 1


def test_a_line_without_end_does_not_wait_for_it() -> None:
    told: list[str] = []
    begin, end = os.pipe()
    blocks = frames_of_lines(begin, told.append, 8)
    for _ in range(2):
        os.write(end, b"x" * 5000)
        assert len(next(blocks)) == 0
        assert len(told) == 1  # though the line has no end yet
    os.write(end, b"x\n" + LINES)
    os.close(end)
    assert len(joined(list(blocks))) == 4
    os.close(begin)
    assert len(told) == 1
