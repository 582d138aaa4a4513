"""candump logs: classic, extended, remote, CAN FD and error frames, and real captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from tests.unit.frames.readers.texts import fault, read, write


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
    assert (result.format, result.labelled) == ("candump", False)
    assert (result.error_frames, result.remote_frames) == (1, 2)
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


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("canbuslogs/civic_turn_on_and_drive.log", 28_835),
        ("canbuslogs/genesis_engine_start.log", 12_401),
        ("canbuslogs/durango_engine_on.log", 32_150),
        ("icsim/sample-can.log", 6_158),
        ("savvycan/candump.log", 12_974),
        ("one_capture/genesis_first5000.log", 5_000),
    ],
)
def test_candump_captures(recordings: Path, name: str, count: int) -> None:
    result = read_recording(recordings / "formats" / name)
    assert (result.format, result.labelled, len(result.frames)) == ("candump", False, count)


@pytest.mark.recordings
def test_capture_saved_again_has_the_same_frames(recordings: Path) -> None:
    folder = recordings / "formats"
    whole = read_recording(folder / "canbuslogs/genesis_engine_start.log").frames
    again = read_recording(folder / "one_capture/genesis_first5000.log").frames
    assert again.digest() == whole[:5000].digest()


def test_labels_behind_every_frame(tmp_path: Path) -> None:
    result = read_recording(
        write(
            tmp_path,
            b"# recorded on the dyno\n(1.0) can0 112#00 0\n(1.1) can0 113#01 R 1\n"
            b"(1.2) can0 114#02 T 0\r\n(1.3) can0 115# 1",
        )
    )
    assert result.labelled
    assert result.frames.label.tolist() == [0, 1, 0, 1]
    assert result.error_frames == result.skipped == 0


def test_labels_behind_attack_frames_alone(tmp_path: Path) -> None:
    result = read_recording(write(tmp_path, b"(1.0) can0 112#00\n(1.1) can0 113#01 1\n"))
    assert result.labelled
    assert result.frames.label.tolist() == [0, 1]
    assert result.understood == (
        "label: 1 stands behind attack frames; frames without one are benign",
    )


def test_a_label_that_is_missing_or_no_label(tmp_path: Path) -> None:
    log = b"(1.0) can0 112#00 0\n(1.1) can0 112#00\n(1.2) can0 112#00 Rx 2\n"
    assert fault(tmp_path, log)[:2] == [
        "F:2: the label 0 or 1 after the frame is missing: '(1.1) can0 112#00'",
        "F:3: not of the form (seconds) interface ID#PAYLOAD: '(1.2) can0 112#00 Rx 2'",
    ]


def test_dates_nanoseconds_and_points_between_bytes(tmp_path: Path) -> None:
    frames = read(
        tmp_path,
        b"(2020-09-13 12:26:40.000156) can0 112#00.01.FF\n"
        b"(1600000000.002169371) can0 113#0011\n"
        b"(2024-02-29T23:59:59Z) can0 114#\n",
    )
    assert frames.timestamp.tolist() == [1600000000.000156, 1600000000.002169371, 1709251199.0]
    assert frames.payload[0].tolist() == [0, 1, 0xFF, 0, 0, 0, 0, 0]
    assert frames.dlc.tolist() == [3, 2, 0]


@pytest.mark.parametrize(
    "payload", [b"00.1", b"00.1.22", b"00.112233", b"00.", b"00.11.22.33.44.55.66.77.88"]
)
def test_malformed_bytes_between_points(tmp_path: Path, payload: bytes) -> None:
    lines = fault(tmp_path, b"(1.0) can0 112#00\n(1.1) can0 112#" + payload + b"\n")
    assert lines[0].startswith("F:2: payload ")


def test_buses_are_told_in_order_of_appearance(tmp_path: Path) -> None:
    result = read_recording(
        write(tmp_path, b"(1.0) can1 112#\n(1.1) averylongname0 112#\n(1.2) can1 113#\n")
    )
    assert result.bus_names == ("can1", "ongname0")
    assert result.bus is not None
    assert result.bus.tolist() == [0, 1, 0]
