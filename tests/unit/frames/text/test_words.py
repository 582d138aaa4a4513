"""Text formats of words with blanks between them: their grammars and their faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult
from tests.unit.frames.readers.texts import fault, write

FLAG = int(EXTENDED_FLAG)


def read(folder: Path, text: str, format: str) -> ReadResult:
    result = read_recording(write(folder, text.encode()))
    assert result.format == format
    return result


def test_candump_console(tmp_path: Path) -> None:
    text = (
        " (000.000000)  can0  123   [2]  00 FF   '..'\n"
        " (2020-09-13 12:26:40.5)  can1  00000123   [0]\n"
        " (1.5)  can0  123   [4]  remote request\n"
        " (1.5)  can0  124   [0]  remote request\n"
        " (1.6)  can0  20000004   [8]  00 01 00 00 00 00 00 00   ERRORFRAME\n"
        "# a remark\n"
    )
    result = read(tmp_path, text, "candump-console")
    assert result.frames.timestamp.tolist() == [0.0, 1600000000.5, 1.5, 1.5]
    assert result.frames.arbitration_id.tolist() == [0x123, 0x123 | FLAG, 0x123, 0x124]
    assert result.frames.dlc.tolist() == [2, 0, 0, 0]
    assert result.frames.payload[0].tolist() == [0, 255, 0, 0, 0, 0, 0, 0]
    assert (result.bus_names, result.error_frames) == (("can0", "can1"), 1)
    assert result.remote_frames == 2


def test_candump_console_with_directions_and_can_fd(tmp_path: Path) -> None:
    data = " ".join(["AA"] * 12)
    text = f" (1.0)  can0  RX - -  123  [01] 00\n (1.1)  can0  TX B E  124  [12] {data}\n"
    frames = read(tmp_path, text, "candump-console").frames
    assert frames.dlc.tolist() == [1, 12]
    assert frames.payload.shape == (2, 64)


def test_candump_console_without_times(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no time stamps. Record them: candump -L can0"):
        read_recording(write(tmp_path, b"  can0  123   [2]  00 FF\n"))


def test_otids(tmp_path: Path) -> None:
    line = "Timestamp:          0.000878        ID: 0120    000    DLC: 4    00 01 02 03"
    remote = "Timestamp:          0.001684        ID: 0153    100    DLC: 0"
    result = read(tmp_path, f"{line}\n{remote}\n", "otids")
    assert result.frames.timestamp.tolist() == [0.000878, 0.001684]
    assert result.frames.arbitration_id.tolist() == [0x120, 0x153]
    assert result.frames.dlc.tolist() == [4, 0]
    assert (result.remote_frames, result.bus_names) == (1, ())


def test_crtd(tmp_path: Path) -> None:
    text = "1.5 CXX a remark\n1.5 R11 21A FE 36\n1.6 2T29 00000007 \n1.7 1R11 21A\n"
    result = read(tmp_path, text, "crtd")
    assert result.frames.arbitration_id.tolist() == [0x21A, 7 | FLAG, 0x21A]
    assert result.frames.dlc.tolist() == [2, 0, 0]
    assert result.bus_names == ("", "2", "1")


@pytest.mark.parametrize(
    ("mode", "ids"), [("HEX", [0x100, 0x100, 0x200]), ("DEC", [100, 100, 200])]
)
def test_busmaster(tmp_path: Path, mode: str, ids: list[int]) -> None:
    text = (
        "***BUSMASTER Ver 2.4.0***\n***START DATE AND TIME 23:9:2015 22:17:28:928***\n"
        f"***{mode}***\n22:20:14:0010 Rx 1 100 s 2 10 20\n22:20:14:0020 Rx 2 100 x 0\n"
        "22:20:14:0030 Tx 1 200 sr 8\n22:20:14:0040 Rx 1 ERR\n***[STOP LOGGING SESSION]***\n"
    )
    path = write(tmp_path, text.replace("22:20:14:0040 Rx 1 ERR\n", "").encode())
    result = read_recording(path)
    found = [value & ~FLAG for value in result.frames.arbitration_id.tolist()]
    assert found == ids
    assert [value >> 31 for value in result.frames.arbitration_id.tolist()] == [0, 1, 0]
    assert result.remote_frames == 1
    assert result.frames.payload[0, 0] == (16 if mode == "HEX" else 10)
    assert result.frames.timestamp[0] == pytest.approx(1443046814.001, abs=1e-6)
    assert fault(tmp_path, text.encode())[0].startswith("F:7: ")


def test_car_bus_analyzer(tmp_path: Path) -> None:
    text = "@ TEXT @ 2 @\r46,016\t1\t0004\t45A\t2\t5A 04\t00000000\tZ\r46,5\t1\t0004\t45B\t0\r"
    frames = read(tmp_path, text, "carbus").frames
    assert frames.timestamp.tolist() == [46.016, 46.5]
    assert frames.dlc.tolist() == [2, 0]


def test_a_start_of_a_trace_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "drive.trc"
    path.write_text(";$FILEVERSION=1.1\n;$STARTTIME=25569.5.1\n1) 500.0 Rx 0123 2 00 FF\n")
    with pytest.raises(DataError, match=r";\$STARTTIME=25569\.5\.1\. Allowed: days since"):
        read_recording(path)


HEADS = {
    "1.0": ";##########\n",
    "1.1": ";$FILEVERSION=1.1\n;$STARTTIME=25569.5\n",
    "1.2": ";$FILEVERSION=1.2\n;$STARTTIME=25569.5\n",
    "1.3": ";$FILEVERSION=1.3\n;$STARTTIME=25569.5\n",
    "2.0": ";$FILEVERSION=2.0\n;$STARTTIME=25569.5\n;$COLUMNS=N,O,T,I,d,l,D\n",
    "2.1": ";$FILEVERSION=2.1\n;$STARTTIME=25569.5\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n",
}
ROWS = {
    "1.0": ("1) 500 0123 2 00 FF", "2) 600 00000123 0", "3) 650 0123 1 RTR",
            "4) 700 FFFFFFFF 4 00 00 00 08 BUSHEAVY"),
    "1.1": ("1) 500.0 Rx 0123 2 00 FF", "2) 600.0 Tx 00000123 0", "3) 650.0 Rx 0123 1 RTR",
            "4) 700.0 Warng FFFFFFFF 4 00 00 00 08"),
    "1.2": ("1) 500.0 1 Rx 0123 2 00 FF", "2) 600.0 1 Tx 00000123 0", "3) 650 1 Rx 0123 1 RTR",
            "4) 700.0 1 Error 0008 4 00 00 00 08"),
    "1.3": ("1) 500.0 1 Rx 0123 - 2 00 FF", "2) 600.0 1 Tx 00000123 - 0",
            "3) 650.0 1 Rx 0123 - 1 RTR", "4) 700.0 1 Warng FFFFFFFF - 4 00 00 00 08"),
    "2.0": ("1 500.0 DT 0123 Rx 2 00 FF", "2 600.0 DT 00000123 Tx 0", "3 650.0 RR 0123 Rx 1",
            "4 700.0 ST Rx 00 00 00 08"),
    "2.1": ("1 500.0 DT 1 0123 Rx - 2 00 FF", "2 600.0 DT 1 00000123 Tx - 0",
            "3 650.0 RR 1 0123 Rx - 1", "4 700.0 ST 1 - Rx - 4 00 00 00 08"),
}  # fmt: skip


@pytest.mark.parametrize("version", HEADS)
def test_trc(tmp_path: Path, version: str) -> None:
    result = read(tmp_path, HEADS[version] + "\n".join(ROWS[version]), "trc")
    start = 0.0 if version == "1.0" else 43200.0
    assert result.frames.timestamp.tolist() == [start + 0.5, start + 0.6, start + 0.65]
    assert result.frames.arbitration_id.tolist() == [0x123, 0x123 | FLAG, 0x123]
    assert result.frames.dlc.tolist() == [2, 0, 0]
    assert (result.error_frames, result.remote_frames) == (1, 1)


def test_trc_with_can_fd(tmp_path: Path) -> None:
    data = " ".join(["AA"] * 12)
    result = read(tmp_path, HEADS["2.1"] + f"1 5.0 FD 1 0123 Rx - 9 {data}\n", "trc")
    assert result.frames.dlc.tolist() == [12]
    assert result.frames.payload.shape == (1, 64)


def test_trc_of_an_unknown_version(tmp_path: Path) -> None:
    assert fault(tmp_path, b";$FILEVERSION=1.9\n") == [
        "F: TRC of version 1.9 without ;$COLUMNS. Read are 1.0, 1.1, 1.2, 1.3 and those of 2.0 and "
        "later that name their columns"
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1.0 R11", "not of the form seconds R11 ID bytes: '1.0 R11'"),
        ("x R11 21A 00", "timestamp isn't a finite number of seconds: 'x'"),
        ("1.0 R11 2G1 00", "arbitration ID isn't 1 to 8 hex digits: '2G1'"),
        ("1.0 R11 21A 0G", "payload isn't hex digits: '0G'"),
        ("1.0 R11 21A" + " 00" * 9, "payload is longer than a frame's 8 bytes (CAN FD: 64): '00'"),
    ],
)
def test_malformed_line(tmp_path: Path, line: str, what: str) -> None:
    assert fault(tmp_path, f"1.0 R11 21A 00\n{line}\n".encode())[0] == f"F:2: {what}"
