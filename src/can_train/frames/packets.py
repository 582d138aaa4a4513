"""Jitted walk through the packets of a pcap or pcapng file."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled

SOCKETCAN, COOKED, COOKED_2 = 227, 113, 276
"""Link types (tcpdump.org/linktypes.html): SocketCAN, and Linux' any-interface captures of it."""

PACKETS: Final = np.dtype(
    [
        ("start", np.int64),
        ("stop", np.int64),
        ("ticks", np.uint64),
        ("interface", np.int64),
    ],
    align=True,
)
"""Bounds of a packet's bytes, its time in units of its interface, and that interface."""

INTERFACES: Final = 256
_SECTION, _INTERFACE, _ENHANCED = 0x0A0D0D0A, 1, 6
_RESOLUTION: Final = 9
"""Option if_tsresol: a power of ten, or of two if bit 7 is set."""

_SHORTEST_BLOCK: Final = 12
_ORDER: Final = 0x1A2B3C4D


@compiled()
def number(data: NDArray[np.uint8], at: int, size: int, big: bool) -> int:
    """Whole number of `size` bytes from `at`."""
    value = 0
    for k in range(size):
        value = value * 256 + int(data[at + (k if big else size - 1 - k)])
    return value


@compiled()
def walk_pcap(
    data: NDArray[np.uint8], big: bool, per_s: int, packets: NDArray[np.void]
) -> tuple[int, int]:
    """Finds the packets of a classic capture.

    Args:
        data: The file.
        big: Whether its numbers are big-endian.
        per_s: Units of its time stamps' fractions per second.
        packets: Output [M], `PACKETS`.

    Returns:
        How many there are, and the byte behind the last whole one.
    """
    at, count = 24, 0
    while at + 16 <= len(data) and count < len(packets):
        size = number(data, at + 8, 4, big)
        if at + 16 + size > len(data):
            break
        packets[count].start = at + 16
        packets[count].stop = at + 16 + size
        seconds, fraction = number(data, at, 4, big), number(data, at + 4, 4, big)
        packets[count].ticks = np.uint64(seconds) * np.uint64(per_s) + np.uint64(fraction)
        packets[count].interface = 0
        at += 16 + size
        count += 1
    return count, at


@compiled()
def walk_pcapng(
    data: NDArray[np.uint8],
    packets: NDArray[np.void],
    links: NDArray[np.int64],
    per_s: NDArray[np.float64],
) -> tuple[int, int]:
    """Finds the packets of a capture in blocks.

    Args:
        data: The file.
        packets: Output [M], `PACKETS`.
        links: Output [256]: link type of each interface.
        per_s: Output [256]: units of its time stamps per second.

    Returns:
        How many there are, and the byte behind the last whole block.
    """
    at = count = interfaces = 0
    big = False
    while at + _SHORTEST_BLOCK <= len(data) and count < len(packets):
        kind = number(data, at, 4, big)
        if kind == _SECTION:
            big = number(data, at + 8, 4, True) == _ORDER
            interfaces = 0
        size = number(data, at + 4, 4, big)
        if size < _SHORTEST_BLOCK or at + size > len(data):
            break
        if kind == _INTERFACE and interfaces < len(links) and size >= 20:
            links[interfaces] = number(data, at + 8, 2, big)
            per_s[interfaces] = _resolution(data, at + 16, at + size - 4, big)
            interfaces += 1
        elif kind == _ENHANCED and size >= 32:
            packets[count].interface = min(number(data, at + 8, 4, big), len(links) - 1)
            high, low = number(data, at + 12, 4, big), number(data, at + 16, 4, big)
            packets[count].ticks = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
            packets[count].start = at + 28
            packets[count].stop = min(at + 28 + number(data, at + 20, 4, big), at + size - 4)
            count += 1
        at += size
    return count, at


@compiled()
def _resolution(data: NDArray[np.uint8], at: int, stop: int, big: bool) -> float:
    """Units per second that the options of an interface name; microseconds without."""
    while at + 4 <= stop:
        code, size = number(data, at, 2, big), number(data, at + 2, 2, big)
        if code == _RESOLUTION and size == 1 and at + 4 < stop:
            power = int(data[at + 4])
            return 2.0 ** (power & 0x7F) if power & 0x80 else 10.0**power
        at += 4 + (size + 3) // 4 * 4
    return 1e6
