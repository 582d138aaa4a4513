"""Text recordings: every layout and every trap, on the bytes that the tools write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.readers import read_recording

HEADER = b"timestamp,arbitration_id,data_field,attack\n"


def write(folder: Path, content: bytes, name: str = "recording.dat") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(folder: Path, content: bytes, **options: bool) -> Frames:
    return read_recording(write(folder, content), **options).frames


def fault(folder: Path, content: bytes) -> list[str]:
    path = write(folder, content)
    with pytest.raises(DataError) as caught:
        read_recording(path)
    return str(caught.value).replace(str(path), "F").split("\n")


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


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blank_lines(tmp_path: Path, end: bytes, last: bool) -> None:
    lines = [HEADER.strip(), b"", b"1.0,1C7,00,1", b"  ", b"2.0,1C8,01,0"]
    frames = read(tmp_path, end.join(lines) + (end if last else b""))
    assert frames.arbitration_id.tolist() == [0x1C7, 0x1C8]
    assert frames.label.tolist() == [1, 0]


def test_blank_lines_and_byte_order_mark_before_the_header(tmp_path: Path) -> None:
    assert len(read(tmp_path, b"\xef\xbb\xbf\n\n" + HEADER + b"1.0,1C7,00,1\n")) == 1


def test_byte_order_mark_before_the_first_frame(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf1.5,0316,1,05,R\n").timestamp.tolist() == [1.5]


def test_timestamps_that_step_back_or_stand_still_are_kept(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + b"2.0003,1,,0\n2.0,1,,0\n2.0,1,,0\n")
    assert frames.timestamp.tolist() == [2.0003, 2.0, 2.0]


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


def test_hcrl_flag_is_the_last_field(tmp_path: Path) -> None:
    result = read_recording(
        write(
            tmp_path,
            b"1513920193.748043,00C5,8,30,00,00,00,30,00,00,00,R\n"
            b"1478191030.067627,05f0,2,01,00,T\n"
            b"1478195721.905736,02b0,5,ff,7f,00,05,49,Normal\n"
            b"1478195721.905737,02b0,0,Attack\n"
            b"1478195721.905738,02b0,3,01,02,03,,,,,,T\n",
        )
    )
    assert (result.format, result.labelled) == ("hcrl", True)
    assert result.frames.dlc.tolist() == [8, 2, 5, 0, 3]
    assert result.frames.label.tolist() == [0, 1, 0, 1, 1]
    assert result.frames.payload[2].tolist() == [0xFF, 0x7F, 0, 5, 0x49, 0, 0, 0]
    assert result.frames.arbitration_id.tolist() == [0xC5, 0x5F0, 0x2B0, 0x2B0, 0x2B0]


@pytest.mark.parametrize("dlc", range(9))
def test_hcrl_rows_of_every_length(tmp_path: Path, dlc: int) -> None:
    payload = b"".join(b",%02x" % (k + 1) for k in range(dlc))
    frames = read(tmp_path, b"1.5,0316,%d%s,R\n" % (dlc, payload))
    assert frames.dlc.tolist() == [dlc]
    assert frames.payload[0].tolist() == [*range(1, dlc + 1), *[0] * (8 - dlc)]


def test_hcrl_free_driving_without_flags(tmp_path: Path) -> None:
    result = read_recording(write(tmp_path, b"1.5,0316,3,05 22 68\n1.6,02b0,0,\n1.7,02b0,0\n"))
    assert not result.labelled
    assert result.frames.dlc.tolist() == [3, 0, 0]
    assert result.frames.payload[0, :3].tolist() == [5, 0x22, 0x68]


def test_candump(tmp_path: Path) -> None:
    result = read_recording(
        write(
            tmp_path,
            b"(1674148739.212264) can0 112#FF0015\n"
            b"(1674148739.212487) vcan0 00000112#\n"
            b"(1674148739.212487) can1 18FEF200#0102030405060708 T\n"
            b"(1674148739.212700) can0 7DF#R8\n"
            b"(1674148739.212701) can0 7DF#R\n"
            b"(1674148739.212800) can0 20000004#0001000000000000\n"
            b"(1674148739.212900) can0 123#1122334455667788_B R\n",
        )
    )
    flag = int(EXTENDED_FLAG)
    assert (result.format, result.labelled, result.error_frames) == ("candump", False, 1)
    assert result.frames.arbitration_id.tolist() == [
        0x112, 0x112 | flag, 0x18FEF200 | flag, 0x7DF, 0x7DF, 0x123,
    ]  # fmt: skip
    assert result.frames.dlc.tolist() == [3, 0, 8, 0, 0, 8]
    assert result.frames.payload.shape == (6, 8)


def test_candump_with_can_fd_has_64_payload_bytes(tmp_path: Path) -> None:
    data = bytes(range(64)).hex().encode()
    frames = read(tmp_path, b"(1.5) can0 112##1%s\n(1.6) can0 113#AA\n(1.7) can0 113##0\n" % data)
    assert frames.payload.shape == (3, 64)
    assert frames.dlc.tolist() == [64, 1, 0]
    assert frames.payload[0].tolist() == list(range(64))
    assert frames.payload[1].tolist() == [0xAA] + [0] * 63


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


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"1.0,0316,9,00,R", "DLC isn't a number from 0 to 8: '9'"),
        (b"1.0,0316,2,00,R", "number of payload bytes differs from the DLC: '00'"),
        (b"1.0,0316,1,00,01,R", "number of payload bytes differs from the DLC: '00,01'"),
        (b"1.0,0316,1,0,R", "payload has an odd number of hex digits: '0'"),
        (b"1.0,0316,1,0G,R", "payload isn't hex digits: '0G'"),
        (b"1.0,0316,2,00,01", "the flag R or T after the payload is missing: '01'"),
        (b"1.0,0316,1,00,X", "last field is neither R nor T (nor Normal, Attack): 'X'"),
        (b"1.0,0316", "not of the form seconds,ID,DLC,bytes,flag: '1.0,0316'"),
        (b"1.0,03Z6,1,00,R", "arbitration ID isn't 1 to 8 hex digits: '03Z6'"),
    ],
)
def test_malformed_hcrl_line(tmp_path: Path, line: bytes, what: str) -> None:
    assert fault(tmp_path, b"1.0,0316,1,00,R\n" + line)[0] == f"F:2: {what}"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"1.0 can0 112#00", "not of the form (seconds) interface ID#PAYLOAD: '1.0 can0 112#00'"),
        (b"(1.0) can0 112", "not of the form (seconds) interface ID#PAYLOAD: '(1.0) can0 112'"),
        (b"(1.0) 112#00", "not of the form (seconds) interface ID#PAYLOAD: '(1.0) 112#00'"),
        (b"(1.0) can0 112#001", "payload has an odd number of hex digits: '001'"),
        (
            b"(1.0) can0 112#001122334455667788",
            "payload is longer than a frame's 8 bytes (CAN FD: 64): '001122334455667788'",
        ),
        (
            b"(1.0) can0 112##1" + b"00" * 9,
            f"CAN FD payload isn't 0-8, 12, 16, 20, 24, 32, 48 or 64 bytes: '#1{'00' * 9}'",
        ),
        (b"(1.0) can0 1G2#00", "arbitration ID isn't 1 to 8 hex digits: '1G2'"),
        (b"(1.0) can0 112##", "not of the form (seconds) interface ID#PAYLOAD: '#'"),
        (b"(1.0) can0 112#RTR", "payload isn't hex digits: 'RTR'"),
        (b"(x) can0 112#00", "timestamp isn't a finite number of seconds: 'x'"),
    ],
)
def test_malformed_candump_line(tmp_path: Path, line: bytes, what: str) -> None:
    assert fault(tmp_path, b"(1.0) can0 112#00\n" + line + b"\n")[0] == f"F:2: {what}"


def test_all_problems_at_once_then_a_count(tmp_path: Path) -> None:
    lines = fault(tmp_path, HEADER + b"1.0,1,0,0\n" * 12 + b"1.0,1,00,0\n")
    assert lines[0] == "F:2: payload has an odd number of hex digits: '0'"
    assert lines[9].startswith("F:11: ")
    assert lines[10] == "F: 2 more malformed lines"


def test_lenient_skips_counts_and_reports(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + b"1.0,1,00FG,0\n2.0,2,,0\nx,3,00,1\n4.0,4,01,1\n")
    result = read_recording(path, lenient=True)
    assert result.skipped == 2
    assert result.first_problems == (
        f"{path}:2: payload isn't hex digits: '00FG'",
        f"{path}:4: timestamp isn't a finite number of seconds: 'x'",
    )
    assert result.frames.timestamp.tolist() == [2.0, 4.0]
    assert result.frames.payload.tolist() == [[0] * 8, [1] + [0] * 7]
    assert result.frames.label.tolist() == [0, 1]


def test_missing_header_is_told(tmp_path: Path) -> None:
    assert fault(tmp_path, b"1672531200.0,156,0080000000000014,0\n") == [
        "F:1: no header. A can-train-and-test CSV starts with the line "
        "timestamp,arbitration_id,data_field,attack; attack may be missing, and the order is free. "
        "Put it in front"
    ]


def test_empty_file(tmp_path: Path) -> None:
    assert fault(tmp_path, b"") == ["F: the file is empty. Leave it out of the source folder"]


def test_file_without_frames(tmp_path: Path) -> None:
    assert fault(tmp_path, HEADER) == [
        "F: holds no frames. Leave the file out of the source folder"
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"192,32,0,0,0,0,0,0,0,0.0\n",
        b" (000.000000)  can0  0CF00203   [8]  C1 E0 11 FF F7 74 20 03\n",
        b"Timestamp: 1479121434.850202        ID: 0350    000    DLC: 2    05 28\n",
        b"timestamp,arbitration_id,extended,remote,error,dlc,data\n",
        b"LOGG\x90\x00\x00\x00\xff\xfe",
        b"\n\n",
    ],
)
def test_unknown_format_lists_the_known_ones(tmp_path: Path, content: bytes) -> None:
    (message,) = fault(tmp_path, content)
    assert message.startswith("F: not a recording of a known format; it starts with ")
    assert "Known: parquet, can-train-and-test, hcrl, candump. Name one with --format" in message


def test_format_overrides_what_the_content_says(tmp_path: Path) -> None:
    path = write(tmp_path, b"garbage\n(1.0) can0 112#00\n")
    assert read_recording(path, format="candump", lenient=True).skipped == 1
    with pytest.raises(DataError, match="no such format; did you mean candump"):
        read_recording(path, format="candumb")


@pytest.mark.parametrize("name", ["a.csv", "a.log", "a.parquet", "a"])
def test_format_is_recognised_by_content_not_by_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, b"(1.0) can0 112#00\n", name)
    assert read_recording(path).format == "candump"
