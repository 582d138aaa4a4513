"""Frames, and programs in C that take them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.tables import ROOT
from can_train.deploy.c99.folder import c_files
from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames

PROGRAMS: Final = ROOT / "benchmarks" / "deploy_c"
_EXTENDED: Final = 0x80000000
_COUNTED: Final = 6000
"""Frames that a control unit and this host count over and over."""


def written(detector: FrameScorer, folder: Path, *, whole: bool, small: bool = False) -> Path:
    """The C folder of a detector."""
    folder.mkdir()
    for name, text in c_files(detector, whole=whole, small=small).items():
        (folder / name).write_text(text)
    return folder


def compiled(folder: Path, program: Path, *flags: str) -> Path:
    """A program with a detector, by this host's compiler."""
    out = folder / f"{program.stem}.{len(list(folder.iterdir()))}"
    sources = [str(program), "can_train.c", "can_train_tables.c"]
    standard = "-std=c99" if program.parent == folder else "-std=gnu99"
    command = ["gcc", standard, *flags, "-I.", "-o", str(out), *sources, "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return out


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
