"""What a recording holds, in a line."""

from __future__ import annotations

import numpy as np

from can_train.frames.result import ReadResult


def told(result: ReadResult) -> str:
    """Format, frames, IDs, extended ones, buses and labelled attacks of a recording."""
    frames = result.frames
    ids = np.unique(frames.arbitration_id)
    extended = int(np.count_nonzero(ids >> 31))
    attacks = int(np.count_nonzero(frames.label))
    parts = [
        f"{result.format}: {len(frames):,} frames",
        f"{len(ids):,} IDs ({extended:,} extended)",
        f"buses {', '.join(result.bus_names)}" if result.bus_names else "no bus named",
        f"{attacks:,} labelled attacks" if result.labelled else "no labels",
    ]
    if result.error_frames:
        parts.append(f"{result.error_frames:,} bus errors left out")
    if result.remote_frames:
        parts.append(f"{result.remote_frames:,} remote frames")
    if result.skipped:
        parts.append(f"{result.skipped:,} malformed lines left out")
    return ", ".join(parts)
