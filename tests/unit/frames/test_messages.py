"""Formats that python-can and asammdf decode: what is written by them is read back."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sqlite3
import struct
import sys
from pathlib import Path
from typing import Any

import can
import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.dataset.reading import left_out
from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.messages import padded
from can_train.frames.readers import mf4, read_recording
from can_train.frames.readers.blf import require_sizes
from can_train.frames.sniffing import told
from tests.draws import examples

FLAG = int(EXTENDED_FLAG)
WRITERS: dict[str, tuple[Any, str]] = {
    "asc": (can.ASCWriter, ".asc"),
    "blf": (can.BLFWriter, ".blf"),
    "trc": (can.TRCWriter, ".trc"),
    "table": (can.CSVWriter, ".csv"),
    "candump": (can.CanutilsLogWriter, ".log"),
    "sqlite": (can.SqliteWriter, ".db"),
    "mf4": (can.MF4Writer, ".mf4"),
}
ids = st.one_of(st.tuples(st.integers(0, 0x7FF), st.just(False)),
                st.tuples(st.integers(0, 0x1FFF_FFFF), st.just(True)))  # fmt: skip
rows = st.lists(st.tuples(ids, st.binary(max_size=8), st.integers(0, 3)), min_size=1, max_size=20)


def messages(drawn: list[tuple[tuple[int, bool], bytes, int]]) -> list[can.Message]:
    return [
        can.Message(
            timestamp=1_600_000_000 + k / 1000,
            arbitration_id=number,
            is_extended_id=extended,
            data=data,
            channel=channel,
            is_rx=True,
        )
        for k, ((number, extended), data, channel) in enumerate(drawn)
    ]


def write(path: Path, format: str, sent: list[can.Message]) -> Path:
    writer, suffix = WRITERS[format]
    path = path.with_suffix(suffix)
    with writer(path) as log:
        for message in sent:
            log(message)
    return path


@pytest.mark.parametrize("format", WRITERS)
@examples(3)
@given(drawn=rows)
def test_what_python_can_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, format: str, drawn: Any
) -> None:
    sent = messages(drawn)
    if format == "trc":
        # That writer pads no ID, so a small extended one looks like a standard one.
        sent = [m for m in sent if not m.is_extended_id or m.arbitration_id > 0x7FF] or sent[:0]
        hypothesis.assume(sent)
    result = read_recording(write(tmp_path_factory.mktemp("log") / "log", format, sent))
    frames = result.frames
    assert result.format == format
    assert frames.arbitration_id.tolist() == [
        m.arbitration_id | FLAG * m.is_extended_id for m in sent
    ]
    found = [frames.payload[k, : frames.dlc[k]].tobytes() for k in range(len(frames))]
    assert found == [bytes(m.data) for m in sent]
    gone = frames.timestamp - frames.timestamp[0]
    stamps = np.array([m.timestamp for m in sent])
    assert np.abs(gone - (stamps - stamps[0])).max() < 1e-4


def test_a_cut_file_is_refused_or_read_up_to_the_damage(tmp_path: Path) -> None:
    sent = messages([((0x123, False), bytes([k % 256, k // 256]), 0) for k in range(3000)])
    path = write(tmp_path / "log", "blf", sent)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * (len(whole) // 2))
    with pytest.raises(DataError) as caught:
        read_recording(path)
    assert str(caught.value).startswith(f"{path}: damaged behind frame ")
    assert "--lenient" in str(caught.value)
    if "frame 0 " not in str(caught.value):
        assert read_recording(path, lenient=True).skipped == 1


@pytest.mark.parametrize("format", ["asc", "blf", "mf4"])
def test_remote_and_error_frames_are_counted(tmp_path: Path, format: str) -> None:
    sent = messages([((0x123, False), b"\1", 0)] * 4)
    sent[1] = can.Message(
        timestamp=sent[1].timestamp, arbitration_id=0x123, is_extended_id=False, channel=0,
        is_remote_frame=True, dlc=0,
    )  # fmt: skip
    sent[2] = can.Message(timestamp=sent[2].timestamp, is_error_frame=True, channel=0)
    result = read_recording(write(tmp_path / "log", format, sent))
    assert (len(result.frames), result.remote_frames, result.error_frames) == (3, 1, 1)
    assert "1 bus error left out, 1 remote frame" in told(result)
    assert list(left_out(result)) == [
        "1 bus error left out",
        "1 remote frame, asking for data and carrying none",
    ]


def test_objects_of_a_blf_container_have_a_size() -> None:
    head = struct.Struct("<4sHHLL")
    objects = [head.pack(b"LOBJ", 16, 1, size, 99) + bytes(size - 16) for size in (16, 20, 33)]
    require_sizes(b"".join(objects))
    require_sizes(b"")
    with pytest.raises(ValueError, match="an object of 0 bytes"):
        require_sizes(objects[1] + b"\0\0" + head.pack(b"LOBJ", 16, 7, 0, 99) + bytes(20))


@pytest.mark.parametrize(
    ("number", "said"), [(-5, "ValueError: arbitration ID -0x5"), (291.5, "TypeError: ")]
)
def test_numbers_that_no_frame_has_end_the_reading(
    tmp_path: Path, number: float, said: str
) -> None:
    """What python-can takes from a damaged database as it is."""
    path = write(tmp_path / "log", "sqlite", messages([((0x123, False), b"\1", 0)] * 3))
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        change = "UPDATE messages SET arbitration_id = ? WHERE ts > 1600000000.0015"
        database.execute(change, (number,))
    with pytest.raises(DataError, match=rf"behind frame 2 \({said}"):
        read_recording(path)
    kept = read_recording(path, lenient=True).frames
    assert (len(kept), len(kept.arbitration_id), len(kept.label)) == (2, 2, 2)


@pytest.mark.parametrize("length", [60, 64, 200, 1000])
def test_a_damaged_mf4_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """Nothing that the library left half open complains at its end."""
    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    path = write(tmp_path / "log", "mf4", messages([((1, False), b"\0", 0)]))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match="not a whole MF4 file"):
        read_recording(path)
    gc.collect()
    assert said == []


def test_what_was_never_finalised_and_is_spoilt_is_one_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "log", "mf4", messages([((1, False), b"\0", 0)]))
    data = bytearray(path.read_bytes().replace(b"##DT", b"##D?"))
    data[:8], data[60:62] = b"UnFinMF ", struct.pack("<H", 1 << 2)
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"not a whole MF4 file \(UnboundLocalError"):
        read_recording(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("module", "spoilt"), [("zstd", b"no"), ("lz4.frame", b"no")])
def test_what_decompressors_of_mf4_raise_is_damage(module: str, spoilt: bytes) -> None:
    library = pytest.importorskip("asammdf")
    with pytest.raises(mf4._damage(library)):
        importlib.import_module(module).decompress(spoilt)


@pytest.mark.parametrize("length", [9, 65])
def test_a_frame_longer_than_its_bytes_is_damage(length: int) -> None:
    with pytest.raises(ValueError, match=f"a frame of {length} bytes in 8"):
        mf4._payload(np.zeros((1, 8), np.uint8), np.array([length], np.uint8))


def test_a_missing_package_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.blf"
    path.write_bytes(b"LOGG" + struct.pack("<I", 144))
    monkeypatch.setitem(sys.modules, "can", None)
    with pytest.raises(DataError) as caught:
        read_recording(path)
    assert str(caught.value) == (
        f"{path}: the format blf needs packages that aren't installed (can). Get them, once: "
        "can-train env --install formats"
    )


def test_payloads_of_any_length_are_padded() -> None:
    data = np.arange(13, dtype=np.uint8)
    assert padded(data[:3], np.array([1, 0, 2], np.uint8)).tolist() == [
        [0] * 8, [0] * 8, [1, 2, 0, 0, 0, 0, 0, 0]
    ]  # fmt: skip
    assert padded(data, np.array([12, 1], np.uint8)).shape == (2, 64)
