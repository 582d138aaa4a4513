"""What the tests of the readers share: writing a text, reading it, and its faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from can_train.errors import DataError
from can_train.frames.frame import COLUMNS, Frames
from can_train.frames.readers import read_recording

HEADER = b"timestamp,arbitration_id,data_field,attack\n"


def write(folder: Path, content: bytes, name: str = "recording.dat") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(folder: Path, content: bytes) -> Frames:
    return read_recording(write(folder, content)).frames


def fault(folder: Path, content: bytes) -> list[str]:
    path = write(folder, content)
    with pytest.raises(DataError) as caught:
        read_recording(path)
    return str(caught.value).replace(str(path), "F").split("\n")


def assert_part_of(part: Frames, whole: Frames) -> None:
    (offsets,) = np.nonzero(whole.timestamp == part.timestamp[0])
    rows = slice(int(offsets[0]), int(offsets[0]) + len(part))
    for column in COLUMNS:
        mine, theirs = column.of(part), column.of(whole[rows])
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)
