"""Pages of parquet files that say what can't be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from can_train.errors import DataError
from can_train.frames.options import ReadOptions
from can_train.frames.parquet_pages import require_countable
from can_train.frames.readers.parquet import read

ROWS = 30
VALUES = bytes([0x15, 2 * ROWS])
"""A field of a number, by its distance from the one before and its kind, and the zigzag of 30."""


def recording(path: Path, **options: object) -> bytes:
    table = pl.DataFrame(
        {
            "timestamp": np.arange(ROWS) / 100 + 1.5e9,
            "id": np.arange(ROWS, dtype=np.uint32) % 7,
            "data_field": [f"{row:04X}" for row in range(ROWS)],
        }
    )
    table.write_parquet(path, **options)  # type: ignore[arg-type]
    return path.read_bytes()


@pytest.mark.parametrize("options", [{}, {"compression": "uncompressed"}, {"row_group_size": 10}])
def test_a_whole_file_is_read(tmp_path: Path, options: dict[str, object]) -> None:
    path = tmp_path / "m.parquet"
    recording(path, **options)
    require_countable(path)
    assert len(read(path, ReadOptions()).frames) == ROWS


def test_a_negative_number_of_values_is_refused_before_it_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    places = [at for at in range(len(whole) // 2) if whole[at : at + 2] == VALUES]
    assert len(places) >= 3  # a page of each column, at least
    for at in places:
        spoilt = bytearray(whole)
        spoilt[at + 1] += 1  # -31
        path.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"the page at \d+ holds -31 values\)\. Copy"):
            read(path, ReadOptions())


def test_what_cannot_be_followed_is_left_to_polars(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    start, end = whole[:4], whole[-8:]
    for spoilt in (
        b"",
        start,
        whole[: len(whole) // 2],
        whole[:-9] + end,
        start + end,
        whole[:-8] + b"\xff\xff\xff\xff" + whole[-4:],
        b"\x1c" * len(whole) + end,
    ):
        path.write_bytes(spoilt)
        require_countable(path)
