"""Frames as programs in C take them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from can_train.frames.frame import Frames

_EXTENDED: Final = 0x80000000
_COUNTED: Final = 6000
"""Frames that a Cortex-M7 and this host count over and over."""


def log_of(frames: Frames) -> str:
    """The frames as candump logs them."""
    us = np.round(frames.timestamp * 1e6).astype(np.int64)
    lines = []
    for row in range(len(frames)):
        identifier = int(frames.arbitration_id[row])
        short = f"{identifier:03X}"
        name = f"{identifier & ~_EXTENDED:08X}" if identifier & _EXTENDED else short
        payload = frames.payload[row, : frames.dlc[row]].tobytes().hex().upper()
        lines.append(f"({us[row] // 1_000_000}.{us[row] % 1_000_000:06d}) can0 {name}#{payload}\n")
    return "".join(lines)


def write_frames(frames: Frames, path: Path) -> None:
    """Some of the frames as a table."""
    us = np.round(frames.timestamp[:_COUNTED] * 1e6).astype(np.int64)
    rows = []
    for row in range(len(us)):
        identifier = int(frames.arbitration_id[row])
        flags = "CT_EXTENDED" if identifier & _EXTENDED else "0"
        payload = ", ".join(map(str, frames.payload[row, :8].tolist()))
        rows.append(
            f"    {{{us[row] - us.min()}u, 0x{identifier & ~_EXTENDED:x}u, {flags}, "
            f"{frames.dlc[row]}, {{{payload}}}}}"
        )
    path.write_text(
        f"#define FRAMES {len(rows)}\nstatic const struct {{\n    uint64_t time_us;\n"
        "    uint32_t id;\n    uint8_t flags;\n    uint8_t dlc;\n    uint8_t payload[8];\n"
        "} frames_of_bus[FRAMES] = {\n" + ",\n".join(rows) + "\n};\n"
    )
