"""What a recording holds, in a line."""

from __future__ import annotations

import numpy as np

from can_train.errors import counted
from can_train.frames.result import ReadResult


def told(result: ReadResult) -> str:
    """Format, frames, IDs, extended ones, buses and labelled attacks of a recording."""
    frames = result.frames
    ids = np.unique(frames.arbitration_id)
    extended = int(np.count_nonzero(ids >> 31))
    attacks = int(np.count_nonzero(frames.label))
    parts = [
        f"{result.format}: {counted(len(frames), 'frame')}",
        f"{counted(len(ids), 'ID')} ({extended:,} extended)",
        f"buses {', '.join(result.bus_names)}" if result.bus_names else "no bus named",
        f"{counted(attacks, 'labelled attack')}" if result.labelled else "no labels",
    ]
    if result.error_frames:
        parts.append(f"{counted(result.error_frames, 'bus error')} left out")
    if result.remote_frames:
        parts.append(counted(result.remote_frames, "remote frame"))
    if result.skipped:
        parts.append(f"{counted(result.skipped, 'malformed line')} left out")
    return ", ".join(parts)
