"""Whether the kernel killed a process for its memory (stdlib only)."""

from __future__ import annotations

import signal
from pathlib import Path

from can_train.runs.job_views import OUT_OF_MEMORY

VMSTAT = Path("/proc/vmstat")


def memory_kills() -> int:
    """How many processes the kernel has killed for memory since it began, or a group's limit."""
    try:
        lines = VMSTAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def how_it_was_killed(number: int, kills_before: int) -> str:
    """Why a process ended by a signal.

    Args:
        number: The signal.
        kills_before: What `memory_kills` gave when it was started.
    """
    if number == signal.SIGKILL and memory_kills() > kills_before:
        return OUT_OF_MEMORY
    return f"killed by {signal.Signals(number).name}"
