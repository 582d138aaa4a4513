"""A log format of lines `seconds|id|payload|label`, added by this file alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult


def sniff(head: Head) -> int | None:
    return next((k for k, line in enumerate(head.lines) if line.count("|") == 3), None)


def read(path: Path, _options: ReadOptions) -> ReadResult:
    rows = [line.split("|") for line in path.read_text().splitlines()]
    if any(len(row) != 4 for row in rows):
        raise DataError(f"{path}: not lines of the form seconds|id|payload|label. Mend the file")
    data = [bytes.fromhex(row[2]) for row in rows]
    frames = Frames(
        timestamp=np.array([float(row[0]) for row in rows]),
        arbitration_id=np.array([int(row[1], 16) for row in rows], np.uint32),
        dlc=np.array([len(payload) for payload in data], np.uint8),
        payload=np.array([list(payload.ljust(8, b"\0")) for payload in data], np.uint8),
        label=np.array([int(row[3]) for row in rows], np.uint8),
    )
    return ReadResult(frames=frames, format=FORMAT.name, labelled=True)


FORMAT = Format(
    name="toy", title="seconds|id|payload|label", extensions=(".toy",), sniff=sniff, read=read
)
