"""pcap and pcapng of SocketCAN: both byte orders and resolutions, cooked captures, damage."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording
from can_train.frames.result import ReadResult

FLAG = int(EXTENDED_FLAG)


def can_frame(identity: int, data: bytes) -> bytes:
    return struct.pack(">IBBBB", identity, len(data), 0, 0, 0) + data


SENT = [can_frame(0x123, b"\1\2"), can_frame(FLAG | 7, b""), can_frame(0x4000_0456, b""),
        can_frame(0x2000_0004, bytes(8)), can_frame(0x100, bytes(range(12)))]  # fmt: skip


def classic(order: str, magic: int, link: int, header: bytes = b"") -> bytes:
    packets = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)]
    for k, frame in enumerate(SENT):
        size = len(header + frame)
        packets.append(struct.pack(f"{order}IIII", 1_600_000_000, 500 + k, size, size))
        packets.append(header + frame)
    return b"".join(packets)


def blocks(order: str) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(f"{order}I", len(body) + 12)
        return struct.pack(f"{order}I", kind) + size + body + size

    nano = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0)
    found = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    for options in (b"", nano):
        found += block(1, struct.pack(f"{order}HHI", 227, 0, 0) + options)
    for k, frame in enumerate(SENT):
        ticks = (1_600_000_000 * 10**6 + 500 + k) * (1000 if k % 2 else 1)
        sizes = (k % 2, ticks >> 32, ticks & 0xFFFF_FFFF, len(frame), len(frame))
        found += block(6, struct.pack(f"{order}IIIII", *sizes) + frame)
    return found


def check(result: ReadResult, step: float) -> None:
    frames = result.frames
    assert (result.format, result.error_frames, result.remote_frames) == ("pcap", 1, 1)
    assert frames.arbitration_id.tolist() == [0x123, 7 | FLAG, 0x456, 0x100]
    assert frames.dlc.tolist() == [2, 0, 0, 12]
    assert frames.payload[0, :3].tolist() == [1, 2, 0]
    assert frames.payload[3, :13].tolist() == [*range(12), 0]
    gone = (frames.timestamp - 1_600_000_000).tolist()
    assert gone == pytest.approx([(500 + k) * step for k in (0, 1, 2, 4)], abs=3e-7)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "step"), [(0xA1B2C3D4, 1e-6), (0xA1B23C4D, 1e-9)])
@pytest.mark.parametrize(("link", "header"), [(227, 0), (113, 16), (276, 20)])
def test_classic_captures(
    tmp_path: Path, order: str, magic: int, step: float, link: int, header: int
) -> None:
    path = tmp_path / "drive.pcap"
    path.write_bytes(classic(order, magic, link, bytes(header)))
    check(read_recording(path), step)


@pytest.mark.parametrize("order", "<>")
def test_captures_in_blocks(tmp_path: Path, order: str) -> None:
    path = tmp_path / "drive.pcapng"
    path.write_bytes(blocks(order))
    result = read_recording(path)
    check(result, 1e-6)
    assert result.bus_names == ("0", "1")


def test_another_link_type(tmp_path: Path) -> None:
    path = tmp_path / "web.pcap"
    path.write_bytes(classic("<", 0xA1B2C3D4, 1))
    with pytest.raises(DataError, match=r"captured on link type 1, not on SocketCAN"):
        read_recording(path)


def test_a_cut_capture(tmp_path: Path) -> None:
    path = tmp_path / "drive.pcap"
    path.write_bytes(classic("<", 0xA1B2C3D4, 227)[:-3])
    with pytest.raises(DataError, match=r"cut behind packet 4. Keep what stands before"):
        read_recording(path)
    assert len(read_recording(path, lenient=True).frames) == 3
