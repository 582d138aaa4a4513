"""Compressed recordings and texts of other encodings are read as if they were plain."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from can_train.errors import DataError
from can_train.frames.readers import read_recording
from can_train.frames.readers.registry import head_of

LOG = b"".join(b"(%d.5) can0 112#%04X\n" % (k, k) for k in range(9000))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".utf16le": lambda data: data.decode().encode("utf-16"),
    ".utf16be": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    ".utf16 without mark": lambda data: data.decode().encode("utf-16-le"),
    ".mac": lambda data: data.replace(b"\n", b"\r"),
    ".utf16.gz": lambda data: gzip.compress(data.decode().encode("utf-16")),
}


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        for name in names:
            archive.writestr(name, LOG)
    return path


@pytest.mark.parametrize("suffix", PACKERS)
def test_what_is_packed_holds_the_same_frames(tmp_path: Path, suffix: str) -> None:
    plain = tmp_path / "drive.log"
    plain.write_bytes(LOG)
    packed = tmp_path / f"drive.log{suffix}"
    packed.write_bytes(PACKERS[suffix](LOG))
    assert head_of(packed).lines == head_of(plain).lines
    assert read_recording(packed).frames.digest() == read_recording(plain).frames.digest()


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "drive.log.gz"
    packed.write_bytes(gzip.compress(LOG))
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert len(read_recording(packed).frames) == 9000
    assert not list(folder.iterdir())


def test_an_archive_of_one_file_and_of_several(tmp_path: Path) -> None:
    one = zipped(tmp_path / "one.zip", "folder/drive.log", "__MACOSX/folder/drive.log")
    assert len(read_recording(one).frames) == 9000
    two = zipped(tmp_path / "two.zip", "a.log", "b.log")
    with pytest.raises(DataError) as caught:
        read_recording(two)
    assert str(caught.value) == f"{two}: an archive of 2 files. Unpack it, and name the folder"


def test_messages_name_the_packed_file(tmp_path: Path) -> None:
    packed = tmp_path / "drive.log.gz"
    packed.write_bytes(gzip.compress(LOG + b"oops\n"))
    with pytest.raises(DataError) as caught:
        read_recording(packed)
    assert str(caught.value).startswith(f"{packed}:9001: not of the form ")
    (problem,) = read_recording(packed, lenient=True).first_problems
    assert problem.startswith(f"{packed}:9001: ")


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_a_cut_file_is_named(tmp_path: Path, suffix: str) -> None:
    packed = tmp_path / f"drive.log{suffix}"
    whole = PACKERS[suffix](LOG)
    packed.write_bytes(whole[: len(whole) - 20])
    with pytest.raises(
        DataError, match=r"cut or damaged, can't be unpacked|holds no frames|:\d+: "
    ):
        read_recording(packed)


def test_an_archive_whose_file_lost_its_name_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "drive.zip", "a")
    data = path.read_bytes()
    name = data.index(b"PK\x01\x02") + 46  # in the central directory
    path.write_bytes(data[:name] + b"\0" + data[name + 1 :])
    with pytest.raises(DataError, match="cut or damaged, can't be unpacked"):
        read_recording(path)


def test_a_folder_and_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"can't be read \(Is a directory\)"):
        read_recording(tmp_path)
    with pytest.raises(DataError, match="no such file in .*Name a recording, or a folder"):
        read_recording(tmp_path / "absent")
