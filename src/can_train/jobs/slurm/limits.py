"""Time limits and amounts of memory as Slurm spells them (stdlib only)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from can_train.errors import ConfigError
from can_train.jobs.job import Needs

SHORTEST_WALLTIME_S: Final = 60
LONGEST_WALLTIME_S: Final = 365 * 24 * 3600
SMALLEST_MEMORY_MB: Final = 500
"""torch alone needs as much."""

LARGEST_MEMORY_MB: Final = 16 * 1024**2
_MEMORY: Final = re.compile(r"(\d+)([KMGT]?)", re.IGNORECASE)


def walltime_s(walltime: str) -> int | None:
    """Seconds of a time limit as Slurm spells it; None where Slurm has to tell what is wrong."""
    days, dash, clock = walltime.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdecimal() for part in (*parts, *([days] if dash else []))) or len(parts) > 3:
        return None
    numbers = [int(part) for part in parts]
    if dash:  # D-HH, D-HH:MM, D-HH:MM:SS
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
        return ((int(days) * 24 + hours) * 60 + minutes) * 60 + seconds
    if len(numbers) == 1:  # MINUTES
        return numbers[0] * 60
    if len(numbers) == 2:  # MM:SS
        return numbers[0] * 60 + numbers[1]
    return (numbers[0] * 60 + numbers[1]) * 60 + numbers[2]


def memory_mb(text: str) -> float | None:
    """An amount of memory as Slurm reads it, in MB; None if it isn't one."""
    found = _MEMORY.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}[found[2].upper()]


def malformed(needs: Sequence[Needs]) -> Iterator[ConfigError]:
    """Walltimes and amounts of memory that Slurm wouldn't read, or that can't be meant."""
    for item in needs:
        asked = item.resources
        where = f"stage {item.number} ({item.model})"
        if asked.walltime is not None:
            seconds = walltime_s(asked.walltime)
            if seconds is None or not SHORTEST_WALLTIME_S <= seconds <= LONGEST_WALLTIME_S:
                yield ConfigError(
                    f"--walltime: {where}: {asked.walltime} isn't a time limit from 1 minute to "
                    "365 days. Use MINUTES, HH:MM:SS or D-HH:MM:SS, such as --walltime 02:00:00"
                )
        if asked.memory is not None:
            megabytes = memory_mb(asked.memory)
            if megabytes is None or not SMALLEST_MEMORY_MB <= megabytes <= LARGEST_MEMORY_MB:
                yield ConfigError(
                    f"--memory: {where}: {asked.memory} isn't an amount from 500M to 16T. "
                    "Use a number with M, G or T, such as --memory 16G"
                )
