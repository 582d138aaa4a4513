"""pcap and pcapng, as tcpdump and Wireshark write them from SocketCAN interfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG, MAX_STANDARD_ID, Frames
from can_train.frames.messages import padded
from can_train.frames.options import ReadOptions
from can_train.frames.packets import (
    COOKED,
    COOKED_2,
    INTERFACES,
    PACKETS,
    SOCKETCAN,
    number,
    walk_pcap,
    walk_pcapng,
)
from can_train.frames.paging import mapped
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult, require_frames

_MICRO, _NANO = 0xA1B2C3D4, 0xA1B23C4D
_CLASSIC: Final = {
    magic.to_bytes(4, order): (order == "big", per_s)
    for magic, per_s in ((_MICRO, 10**6), (_NANO, 10**9))
    for order in ("big", "little")
}
_BLOCKS: Final = b"\x0a\x0d\x0d\x0a"
_HEADERS: Final = {SOCKETCAN: 0, COOKED: 16, COOKED_2: 20}
"""Bytes in front of the CAN frame, by link type."""

_CAN_HEADER: Final = 8
_SHORTEST_PACKET: Final = 16 + _CAN_HEADER
_REMOTE, _ERROR = np.uint32(0x4000_0000), np.uint32(0x2000_0000)
"""CAN_RTR_FLAG and CAN_ERR_FLAG of linux/can.h."""


def sniff(head: Head) -> int | None:
    """0 if the file starts as captures do."""
    return 0 if head.start[:4] in _CLASSIC or head.start.startswith(_BLOCKS) else None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: It was captured on something else than CAN, or is cut.
    """
    data = mapped(path)
    packets, links, per_s, end = _packets(data)
    header = np.array([_HEADERS.get(link, -1) for link in links.tolist()])[packets["interface"]]
    if (header < 0).any():
        link = int(links[packets["interface"][header < 0][0]])
        raise DataError(
            f"{path}: captured on link type {link}, not on SocketCAN (227, 113 or 276). Capture "
            f"a CAN interface: tcpdump -i can0 -w drive.pcap"
        )
    problems = () if end == len(data) else (f"{path}: cut behind packet {len(packets)}",)
    if problems and not options.lenient:
        raise DataError(f"{problems[0]}. Keep what stands before with --lenient")
    frames, bus, errors, remote = _frames(data, packets, header, per_s)
    require_frames(path, len(frames))
    numbers, index = np.unique(bus, return_inverse=True)
    return ReadResult(
        frames=frames,
        format=FORMAT.name,
        labelled=False,
        skipped=len(problems),
        error_frames=errors,
        remote_frames=remote,
        first_problems=problems,
        bus=index.astype(np.uint8),
        bus_names=tuple(map(str, numbers.tolist())),
    )


def _packets(
    data: NDArray[np.uint8],
) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.float64], int]:
    """Packets [N], link type and units per second of each interface, and where they end."""
    packets = np.zeros(len(data) // _SHORTEST_PACKET + 1, PACKETS)
    links = np.full(INTERFACES, -1, np.int64)
    per_s = np.full(INTERFACES, 1e6)
    classic = _CLASSIC.get(data[:4].tobytes())
    if classic is None:
        count, end = walk_pcapng(data, packets, links, per_s)
    else:
        big, units = classic
        count, end = walk_pcap(data, big, units, packets)
        links[0], per_s[0] = number(data, 20, 4, big) & 0xFFFF if len(data) > 23 else -1, units
    return packets[:count], links, per_s, end


def _frames(
    data: NDArray[np.uint8],
    packets: NDArray[np.void],
    header: NDArray[np.int64],
    per_s: NDArray[np.float64],
) -> tuple[Frames, NDArray[np.int64], int, int]:
    """Frames of the packets that hold one, their interfaces; how many errors and remote ones."""
    at = packets["start"] + header
    whole = at + _CAN_HEADER <= packets["stop"]
    packets, at = packets[whole], at[whole]
    word = (data[at[:, None] + np.arange(4)].astype(np.uint32) << [24, 16, 8, 0]).sum(
        axis=1, dtype=np.uint32
    )
    frame = word & _ERROR == 0
    errors = int(np.count_nonzero(~frame))
    packets, at, word = packets[frame], at[frame], word[frame]
    dlc = np.minimum(data[at + 4], packets["stop"] - at - _CAN_HEADER).astype(np.uint8)
    dlc = np.minimum(np.where(word & _REMOTE, 0, dlc), 64).astype(np.uint8)
    ids = word & ~(_REMOTE | _ERROR | EXTENDED_FLAG)
    extended = (word & EXTENDED_FLAG != 0) | (ids > MAX_STANDARD_ID)
    place = np.arange(64)
    used = place < dlc[:, None]
    rows = (at[:, None] + _CAN_HEADER + place)[used]
    whole_s, rest = np.divmod(packets["ticks"], per_s[packets["interface"]].astype(np.uint64))
    frames = Frames(
        timestamp=whole_s + rest / per_s[packets["interface"]],
        arbitration_id=np.where(extended, ids | EXTENDED_FLAG, ids).astype(np.uint32),
        dlc=dlc,
        payload=padded(data[rows], dlc),
        label=np.zeros(len(dlc), np.uint8),
    )
    return frames, packets["interface"], errors, int(np.count_nonzero(word & _REMOTE))


FORMAT: Final = Format(
    name="pcap",
    title="pcap and pcapng of a SocketCAN interface",
    extensions=(".pcap", ".pcapng"),
    sniff=sniff,
    read=read,
    order=54,
)
