"""Columns that flow into files are the files that are stored."""

from __future__ import annotations

import gc
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from can_train.files import PARTIAL
from can_train.frames.paging import mapping_of
from can_train.frames.spilling import Spill, save, spilling_into

PARTS = [np.arange(k * 24, (k + 1) * 24, dtype=np.uint8).reshape(3, 8) for k in range(4)]
WHOLE = np.concatenate(PARTS)


def spilled(folder: Path) -> np.ndarray:
    with spilling_into(folder):
        spill = Spill(PARTS[0])
    for part in PARTS:
        spill.add(part)
    return spill.whole()


def partial_files(folder: Path) -> list[Path]:
    gc.collect()
    return list(folder.glob(f"{PARTIAL}*"))


@pytest.mark.parametrize("dtype", ["<f8", "<u4", "|u1"])
def test_rows_stand_in_the_order_in_which_they_were_added(dtype: str) -> None:
    rows = np.arange(1000).astype(dtype)
    spill = Spill(rows[:0])
    for begin in range(0, len(rows), 300):
        spill.add(rows[begin : begin + 300])
    array = spill.whole()
    assert mapping_of(array) is not None
    assert array.dtype == rows.dtype
    assert np.array_equal(array, rows)


@pytest.mark.parametrize("array", [WHOLE, WHOLE[:0], np.arange(9.0), np.arange(9, dtype="<u4")])
def test_a_column_is_saved_as_numpy_would(tmp_path: Path, array: np.ndarray) -> None:
    save(tmp_path / "own.npy", array)
    np.save(tmp_path / "numpy.npy", array)
    assert (tmp_path / "own.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()
    with pytest.raises(FileExistsError):
        save(tmp_path / "own.npy", array)


def test_nothing_at_all_is_a_column_too(tmp_path: Path) -> None:
    array = Spill(PARTS[0]).whole()
    assert array.shape == (0, 8)


def test_a_spilled_column_is_saved_by_its_name(tmp_path: Path) -> None:
    array = spilled(tmp_path)
    (before,) = partial_files(tmp_path)
    inode = before.stat().st_ino
    (tmp_path / "stored").mkdir()
    save(tmp_path / "stored/payload.npy", array)
    assert (tmp_path / "stored/payload.npy").stat().st_ino == inode
    assert partial_files(tmp_path) == []
    np.save(tmp_path / "reference.npy", WHOLE)
    expected = (tmp_path / "reference.npy").read_bytes()
    assert (tmp_path / "stored/payload.npy").read_bytes() == expected
    assert np.array_equal(array, WHOLE)
    del array
    gc.collect()
    assert (tmp_path / "stored/payload.npy").read_bytes() == expected


def test_what_was_changed_since_is_saved(tmp_path: Path) -> None:
    array = spilled(tmp_path)
    array[2, 3] = 255
    save(tmp_path / "payload.npy", array)
    assert np.load(tmp_path / "payload.npy")[2, 3] == 255


@pytest.mark.parametrize(
    "part", [lambda a: a[1:], lambda a: a[:-1], lambda a: a.copy(), lambda a: a.view("<u8")]
)
def test_a_part_of_it_and_a_copy_are_written_anew(tmp_path: Path, part) -> None:
    array = spilled(tmp_path)
    save(tmp_path / "payload.npy", part(array))
    assert np.array_equal(np.load(tmp_path / "payload.npy"), part(WHOLE))
    assert len(partial_files(tmp_path)) == 1
    save(tmp_path / "again.npy", array)
    save(tmp_path / "copy.npy", array)
    assert (tmp_path / "again.npy").read_bytes() == (tmp_path / "copy.npy").read_bytes()


def test_files_end_with_what_lies_in_them(tmp_path: Path) -> None:
    array = spilled(tmp_path)
    assert len(partial_files(tmp_path)) == 1
    del array
    assert partial_files(tmp_path) == []
    with spilling_into(tmp_path):
        spill = Spill(PARTS[0])
        assert len(partial_files(tmp_path)) == 1
    del spill
    assert partial_files(tmp_path) == []


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with spilling_into(tmp_path):
        spill = Spill(PARTS[0])
    spill.add(PARTS[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            spill.add(np.zeros((1 << 11, 8), np.uint8))
        del spill
        assert partial_files(tmp_path) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert unraisable == []


def test_a_forked_process_leaves_the_files_alone(tmp_path: Path, monkeypatch) -> None:
    array = spilled(tmp_path)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    del array
    assert len(partial_files(tmp_path)) == 1


def test_without_a_folder_there_is_no_file_to_see(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spill = Spill(PARTS[0])
    spill.add(PARTS[0])
    array = spill.whole()
    assert list(tmp_path.iterdir()) == []
    save(tmp_path / "payload.npy", array)
    assert np.array_equal(np.load(tmp_path / "payload.npy"), PARTS[0])
