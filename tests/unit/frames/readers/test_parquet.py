"""The parquet layout: what is read, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG
from can_train.frames.readers import read_recording


def table(**columns: object) -> pl.DataFrame:
    rows = {
        "timestamp": [1.5, 1.4, 1.4],
        "id": pl.Series([0x7FF, 0x800, 0x100], dtype=pl.UInt32),
        "data_field": ["0a0B", "", "0011\t"],
        "label": pl.Series([0, 1, 0], dtype=pl.UInt8),
        "source_file": ["x"] * 3,
    }
    return pl.DataFrame({**rows, **columns})


def write(folder: Path, frame: pl.DataFrame) -> Path:
    path = folder / "recording"
    frame.write_parquet(path)
    return path


def test_parquet_layout(tmp_path: Path) -> None:
    result = read_recording(write(tmp_path, table()))
    frames = result.frames
    assert (result.format, result.labelled) == ("parquet", True)
    assert frames.timestamp.tolist() == [1.5, 1.4, 1.4]
    assert frames.arbitration_id.tolist() == [0x7FF, 0x800 | int(EXTENDED_FLAG), 0x100]
    assert frames.dlc.tolist() == [2, 0, 2]
    assert frames.payload.tolist() == [[10, 11] + [0] * 6, [0] * 8, [0, 0x11] + [0] * 6]
    assert frames.label.tolist() == [0, 1, 0]


def test_parquet_without_labels(tmp_path: Path) -> None:
    result = read_recording(write(tmp_path, table().drop("label")))
    assert not result.labelled
    assert result.frames.label.tolist() == [0, 0, 0]


def test_labels_under_another_name_are_labels(tmp_path: Path) -> None:
    for name in ("attack", "Class", "is_anomaly"):
        result = read_recording(write(tmp_path, table().rename({"label": name})))
        assert result.labelled and result.frames.label.tolist() == [0, 1, 0]
    two = table().with_columns(pl.Series("attack", ["none", "DoS", "none"]))
    assert read_recording(write(tmp_path, two)).frames.label.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="Class, attack all look like labels"):
        read_recording(write(tmp_path, two.rename({"label": "Class"})))
    with pytest.raises(DataError, match="attack is String. It has to be 0 or 1"):
        read_recording(write(tmp_path, two.drop("label")))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"timestamp": [1.0, None, 2.0]}, ":row 1: timestamp is null. Every frame needs a value"),
        (
            {"timestamp": [1.0, float("nan"), 2.0]},
            ":row 1: timestamp is nan. Allowed: a finite number of seconds",
        ),
        ({"label": [0, 1, 2]}, ":row 2: label is 2. Allowed: 0 or 1"),
        ({"id": [0, 1, 1 << 29]}, ":row 2: id is 536870912. Allowed: 0 to 536870911 (29 bits)"),
        ({"id": ["1", "2", "3"]}, ": id is String. It has to be a whole number, as UInt32"),
        (
            {"data_field": ["00", "0", ""]},
            ":row 1: payload has an odd number of hex digits: '0'",
        ),
        ({"data_field": ["00", "0G", ""]}, ":row 1: payload isn't hex digits: '0G'"),
        (
            {"data_field": ["00", "", "00" * 9]},
            ":row 2: payload is longer than a frame's 8 bytes (CAN FD: 64): '000000000000000000'",
        ),
    ],
)
def test_bad_values_are_told_with_their_row(
    tmp_path: Path, columns: dict[str, object], message: str
) -> None:
    path = write(tmp_path, table(**columns))
    with pytest.raises(DataError) as caught:
        read_recording(path)
    assert str(caught.value) == f"{path}{message}"


def test_missing_column(tmp_path: Path) -> None:
    path = write(tmp_path, table().drop("id"))
    with pytest.raises(DataError, match="no column id. The parquet layout has timestamp, id, "):
        read_recording(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = write(tmp_path, table())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="not a whole parquet file"):
        read_recording(path)


def test_no_frames(tmp_path: Path) -> None:
    path = write(tmp_path, table().clear())
    with pytest.raises(DataError, match="holds no frames"):
        read_recording(path)
