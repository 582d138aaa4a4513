"""Frames that the system had to drop because nobody took them from a bus's socket in time."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import can

_SO_MEMINFO: Final = 55
"""Of Linux (include/uapi/asm-generic/socket.h); Python has no name for it."""

_MEMINFO: Final = struct.Struct("=9I")
"""Its nine counters (include/uapi/linux/sock_diag.h); the last one counts what was dropped."""


def dropped_by_system(bus: can.BusABC) -> int:
    """Frames that the socket of a bus dropped so far; 0 where the system doesn't tell."""
    try:
        descriptor = bus.fileno()
    except NotImplementedError:
        return 0
    if sys.platform != "linux" or descriptor < 0:
        return 0
    try:
        with socket.socket(fileno=os.dup(descriptor)) as same:
            told = same.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:  # no socket, or one of a kernel before 4.12
        return 0
    return int(_MEMINFO.unpack(told)[-1]) if len(told) == _MEMINFO.size else 0
