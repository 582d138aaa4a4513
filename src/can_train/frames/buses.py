"""The buses of one file, each as a recording of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.frames.result import ReadResult
from can_train.frames.timing import ClockReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """Frames of one bus.

    Attributes:
        name: Its name; empty where the file holds a single one.
        frames: The frames.
        clock: What its time tells; None until that was asked.
    """

    name: str
    frames: Frames
    clock: ClockReport | None = None

    def named(self, recording: object) -> str:
        """Name of a recording with that of its bus: `drive@can0`."""
        return named(recording, self.name)


def named(recording: object, bus: str) -> str:
    """Name of a recording with that of its bus, which is empty where there is a single one."""
    return f"{recording}@{bus}" if bus else str(recording)


def buses_of(path: Path, read: ReadResult, wanted: str | None) -> Iterator[Bus]:
    """Each bus of a file, or the one that is wanted.

    Args:
        path: The file.
        read: What it holds.
        wanted: Name of the only bus to take; None: all.

    Raises:
        DataError: It has no bus of that name.
    """
    if wanted is not None and read.bus_names and wanted not in read.bus_names:
        raise DataError(
            f"{path}: no bus {wanted}. There are: {', '.join(read.bus_names)}; without --bus each "
            f"becomes a recording"
        )
    if read.bus is None or len(read.bus_names) < 2:
        yield Bus(name="", frames=read.frames)
        return
    for number in np.unique(read.bus).tolist():
        name = read.bus_names[number]
        if wanted in (None, name):
            frames = read.frames[read.bus == number]
            yield Bus(name="" if wanted else name or "other", frames=frames)
