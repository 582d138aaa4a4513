"""The can-train-and-test CSV: every trap, and the same drive as parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from tests.unit.frames.readers.texts import HEADER, assert_part_of, fault, read, write

CSV = (
    "set_04/train_01_attack_free/accessory-3",
    "set_04/train_02_with_attacks/rpm-accessory-4",
    "set_04/test_01_known_vehicle_known_attack/speed-accessory-1",
    "set_01/train_02_with_attacks/DoS-1",
    "set_01/test_04_unknown_vehicle_unknown_attack/systematic-4",
)


def test_can_train_and_test_csv(tmp_path: Path) -> None:
    result = read_recording(
        write(
            tmp_path, HEADER + b"1672531200.0,156,0080000000000014,0\n1672531200.003094,7DF,FA,1\n"
        )
    )
    frames = result.frames
    assert (result.format, result.labelled, result.skipped) == ("can-train-and-test", True, 0)
    assert frames.timestamp.tolist() == [1672531200.0, 1672531200.003094]
    assert frames.arbitration_id.tolist() == [0x156, 0x7DF]
    assert frames.dlc.tolist() == [8, 1]
    assert frames.payload.tolist() == [[0, 0x80, 0, 0, 0, 0, 0, 0x14], [0xFA] + [0] * 7]
    assert frames.label.tolist() == [0, 1]
    assert frames.payload.flags.c_contiguous
    assert [c.dtype for c in (frames.timestamp, frames.arbitration_id)] == [np.float64, np.uint32]


def test_ids_that_look_decimal_are_hex(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + b"1.0,100,,0\n").arbitration_id.tolist() == [0x100]


def test_id_above_7ff_is_extended(tmp_path: Path) -> None:
    ids = read(tmp_path, HEADER + b"1.0,7FF,,0\n1.0,800,,0\n1.0,18FEF200,,0\n").arbitration_id
    flag = int(EXTENDED_FLAG)
    assert ids.tolist() == [0x7FF, 0x800 | flag, 0x18FEF200 | flag]


def test_empty_payload_and_trailing_tab(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + b"1.0,1C7,,1\n2.0,1C7,0011\t,0\n3.0,1C7,\t,0\n")
    assert frames.dlc.tolist() == [0, 2, 0]
    assert frames.payload[1].tolist() == [0, 0x11, 0, 0, 0, 0, 0, 0]


def test_columns_in_any_order_and_unknown_ones(tmp_path: Path) -> None:
    frames = read(
        tmp_path, b"n,attack,data_field,arbitration_id,timestamp\n0,1,FF,0D2,1.5\n1,0,,0D2,1.6\n"
    )
    assert frames.timestamp.tolist() == [1.5, 1.6]
    assert frames.payload[:, 0].tolist() == [0xFF, 0]
    assert frames.label.tolist() == [1, 0]


def test_csv_without_labels(tmp_path: Path) -> None:
    result = read_recording(
        write(tmp_path, b"timestamp,arbitration_id,data_field\n1.5,0D2,FF\n1.6,0D2,\n")
    )
    assert not result.labelled
    assert result.frames.label.tolist() == [0, 0]
    assert result.frames.dlc.tolist() == [1, 0]


def test_blank_lines_and_byte_order_mark_before_the_header(tmp_path: Path) -> None:
    assert len(read(tmp_path, b"\xef\xbb\xbf\n\n" + HEADER + b"1.0,1C7,00,1\n")) == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"x,156,00,0", "timestamp isn't a finite number of seconds: 'x'"),
        (b"nan,156,00,0", "timestamp isn't a finite number of seconds: 'nan'"),
        (b"1_0.5,156,00,0", "timestamp isn't a finite number of seconds: '1_0.5'"),
        (b",156,00,0", "timestamp isn't a finite number of seconds: ''"),
        (b"1.0,,00,0", "arbitration ID isn't 1 to 8 hex digits: ''"),
        (b"1.0,15G,00,0", "arbitration ID isn't 1 to 8 hex digits: '15G'"),
        (
            b"1.0,20000000,00,0",
            "arbitration ID is above 1FFFFFFF, the largest 29-bit one: '20000000'",
        ),
        (b"1.0,156,001,0", "payload has an odd number of hex digits: '001'"),
        (b"1.0,156,0x01,0", "payload isn't hex digits: '0x01'"),
        (
            b"1.0,156,001122334455667788,0",
            "payload is longer than a frame's 8 bytes (CAN FD: 64): '001122334455667788'",
        ),
        (b"1.0,156,00,2", "label is neither 0 nor 1: '2'"),
        (b"1.0,156,00,", "label is neither 0 nor 1: ''"),
        (b"1.0,156,00", "number of fields differs from the header's: '1.0,156,00'"),
        (b"1.0,156,00,0,0", "number of fields differs from the header's: '1.0,156,00,0,0'"),
    ],
)
def test_malformed_csv_line(tmp_path: Path, line: bytes, what: str) -> None:
    assert fault(tmp_path, HEADER + b"1.0,156,00,0\n\n" + line + b"\n") == [
        f"F:4: {what}",
        "Mend the file, or leave such lines out with --lenient",
    ]


def test_missing_header_is_told(tmp_path: Path) -> None:
    assert fault(tmp_path, b"1672531200.0,156,0080000000000014,0\n") == [
        "F:1: no header. A can-train-and-test CSV starts with the line "
        "timestamp,arbitration_id,data_field,attack; attack may be missing, and the order is free. "
        "Put it in front"
    ]


@pytest.mark.recordings
@pytest.mark.parametrize("name", CSV)
def test_can_train_and_test_csv_is_the_parquet_recording(recordings: Path, name: str) -> None:
    part = read_recording(recordings / f"raw/can_train_and_test/{name}.csv")
    dataset, scenario, stem = name.split("/")
    whole = read_recording(recordings / f"parquet/{dataset}/{scenario}__{stem}.parquet")
    assert part.labelled
    assert_part_of(part.frames, whole.frames)


@pytest.mark.recordings
def test_empty_payloads_of_systematic_4(recordings: Path) -> None:
    folder = "raw/can_train_and_test/set_01/test_04_unknown_vehicle_unknown_attack"
    frames = read_recording(recordings / folder / "systematic-4.csv").frames
    assert int(np.count_nonzero(frames.dlc == 0)) == 30
    assert int(frames.label.sum()) == 368
