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
NAMES = ("timestamp", "id", "data_field")
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
        with pytest.raises(DataError, match=r"the page at \d+ holds less than nothing\)\. Copy"):
            read(path, ReadOptions())


def test_metadata_that_polars_would_pass_over_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    refused = 0
    for at in range(len(whole) // 2, len(whole) - 8):
        spoilt = bytearray(whole)
        spoilt[at] |= 0x0F  # a kind that there isn't
        path.write_bytes(spoilt)
        try:
            require_countable(path)
        except DataError as error:
            refused += "there are no metadata at" in str(error)
    assert refused > 50


def test_more_or_fewer_values_than_a_column_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    at = whole.index(VALUES)
    for values in (1, ROWS - 1, ROWS + 1):
        spoilt = bytearray(whole)
        spoilt[at + 1] = 2 * values
        path.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"too many\)|no metadata|no size"):
            require_countable(path)


def test_what_is_no_parquet_file_is_left_to_polars(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    for spoilt in (b"", whole[:4], whole[: len(whole) // 2], whole[:-8] + b"\xff" * 4 + whole[-4:]):
        path.write_bytes(spoilt)
        require_countable(path)
        with pytest.raises(DataError, match="not a whole parquet file"):
            read(path, ReadOptions())


@pytest.mark.parametrize("spoilt", ["footer", "page"])
def test_lists_in_lists_are_none(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / "m.parquet"
    whole = bytearray(recording(path))
    if spoilt == "page":
        whole[4:204] = b"\x19" * 200
    else:
        footer = b"\x19" * 5000
        whole[-8:] = footer + len(footer).to_bytes(4, "little") + whole[-4:]
    path.write_bytes(whole)
    with pytest.raises(DataError, match="there are no metadata at"):
        require_countable(path)
    with pytest.raises(DataError, match="not a whole parquet file"):
        read(path, ReadOptions())


def test_a_list_that_claims_more_than_there_is_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    footer = b"\x19\xf5\xff\xff\xff\xff\x0f"  # of four billion numbers
    path.write_bytes(whole[:-8] + footer + len(footer).to_bytes(4, "little") + whole[-4:])
    with pytest.raises(DataError, match="there are no metadata at"):
        require_countable(path)


def test_a_column_without_the_values_of_its_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    whole = recording(path)
    found = 0
    for at in range(len(whole) // 2, len(whole) - 8):
        if whole[at : at + 2] != bytes([0x16, 2 * ROWS]):
            continue
        spoilt = bytearray(whole)
        spoilt[at + 1] = 0
        path.write_bytes(spoilt)
        with pytest.raises(DataError, match="values as its group has rows|as many as it has"):
            require_countable(path)
        found += 1
    assert found >= len(NAMES)
