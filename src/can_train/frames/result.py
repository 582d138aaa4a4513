"""What reading one recording gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.frame import Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """Frames of one recording and how they were read.

    Attributes:
        frames: The frames, in file order; labels are all 0 where the file has none.
        format: Format in which the file was read.
        labelled: Whether the file says for each frame whether it is an attack.
        skipped: Malformed lines left out (lenient reading only).
        error_frames: Lines left out since they report a bus error, not a frame.
        remote_frames: Frames that ask for data and carry none, where the reader counts them.
        first_problems: The first malformed lines, as `file:line: what`.
        bus: Bus of each frame as an index of `bus_names` [N], uint8; None where none is told.
        bus_names: Names of the buses, in order of first appearance.
        understood: How the file was understood where that isn't plain, a line each.
    """

    frames: Frames
    format: str
    labelled: bool
    skipped: int = 0
    error_frames: int = 0
    remote_frames: int = 0
    first_problems: tuple[str, ...] = ()
    bus: NDArray[np.uint8] | None = None
    bus_names: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()


def require_frames(path: Path, count: int) -> None:
    """Raises a `DataError` for a recording without frames."""
    if count == 0:
        raise DataError(f"{path}: holds no frames. Leave the file out of the source folder")
