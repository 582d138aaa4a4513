"""Large arrays lie in files, and giving their memory back changes nothing in them."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np

from can_train.frames.paging import PIECE_BYTES, give_back, in_pieces, mapped

LARGE = 3 * PIECE_BYTES // 8


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_what_was_written_stays_when_its_memory_is_given_back(tmp_path: Path) -> None:
    array = np.asarray(np.memmap(tmp_path / "column", np.float64, "w+", shape=LARGE))
    array[:] = np.pi
    full = resident_bytes()
    give_back(array)
    assert full - resident_bytes() > 0.9 * array.nbytes
    assert (array == np.pi).all()


def test_looking_at_it_in_pieces_takes_the_memory_of_one(tmp_path: Path) -> None:
    array = np.asarray(np.memmap(tmp_path / "column", np.uint8, "w+", shape=(LARGE, 8)))
    array[:] = 7
    give_back(array)
    before = resident_bytes()
    most = total = 0
    for piece in in_pieces(array):
        total += int(piece.sum(dtype=np.int64))
        most = max(most, resident_bytes() - before)
    assert total == 7 * 8 * LARGE
    assert most < 1.5 * PIECE_BYTES


def test_arrays_in_memory_stay_as_they_are() -> None:
    array = np.full(10, 3, np.uint8)
    give_back(array)
    assert [piece.tolist() for piece in in_pieces(array)] == [[3] * 10]


def test_files_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"abc")
    data = mapped(path)
    give_back(data)
    assert bytes(data) == b"abc"
