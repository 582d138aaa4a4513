"""Which process did something, and whether it still lives (stdlib only, Linux)."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, told apart from every other one on any host at any time.

    Attributes:
        host: Name of the host.
        boot_id: Identity of the host's boot; another boot means that the process is gone.
        pid: Process number.
        start_ticks: Start of the process in clock ticks after boot (proc(5), field 22).
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int


def this_process() -> Process:
    """The calling process."""
    ticks = _start_ticks(os.getpid())
    if ticks is None:
        raise ProcessLookupError(f"/proc/{os.getpid()}/stat can't be read")
    host = socket.gethostname()
    return Process(host=host, boot_id=_boot_id(), pid=os.getpid(), start_ticks=ticks)


def is_alive(process: Process) -> bool:
    """Whether `process` still runs; one on another host counts as alive (it can't be asked)."""
    if process.host != socket.gethostname():
        return True
    if process.boot_id != _boot_id():
        return False
    return _start_ticks(process.pid) == process.start_ticks


def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _start_ticks(pid: int) -> int | None:
    """Start time of a living process; None for one that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name in brackets may hold blanks
    return None if fields[0] in {"Z", "X"} else int(fields[19])
