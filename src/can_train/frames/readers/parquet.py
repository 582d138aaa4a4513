"""Recordings in the parquet layout: timestamp, id, data_field and, if labelled, label."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from can_train.errors import DataError
from can_train.frames.frame import EXTENDED_FLAG, MAX_EXTENDED_ID, MAX_STANDARD_ID, Frames
from can_train.frames.options import ReadOptions
from can_train.frames.parquet_pages import MAGIC, require_countable
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult, require_frames
from can_train.frames.text.fields import MESSAGES, decode_payloads
from can_train.frames.text.roles import LABEL, role_of

_COLUMNS: Final = ("timestamp", "id", "data_field")
_PAYLOAD_BYTES: Final = 8


def sniff(head: Head) -> int | None:
    """0 if the file starts as parquet files do."""
    return 0 if head.start.startswith(MAGIC) else None


def read(path: Path, _options: ReadOptions) -> ReadResult:
    """Reads one recording; a bad value is refused in lenient reading, too.

    Raises:
        DataError: Damaged file, missing column, null, NaN, label other than 0 and 1, or a payload
            that isn't 0 to 16 hex digits.
    """
    try:
        present = pl.read_parquet_schema(path)
        label = _label_column(path, list(present))
        wanted = list(_COLUMNS) if label is None else [*_COLUMNS, label]
        missing = [name for name in _COLUMNS if name not in present]
        if missing:
            raise DataError(
                f"{path}: no column {', '.join(missing)}. The parquet layout has "
                f"timestamp, id, data_field and label"
            )
        require_countable(path)
        table = pl.read_parquet(path, columns=wanted)
    # Polars panics, which is no Exception, where page headers contradict the footer.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: not a whole parquet file ({error}). Copy it again") from error
    require_frames(path, len(table))
    _refuse_nulls(path, table)
    dlc, payload = _payloads(path, table["data_field"])
    frames = Frames(
        timestamp=_timestamps(path, table["timestamp"]),
        arbitration_id=_ids(path, table["id"]),
        dlc=dlc,
        payload=payload,
        label=np.zeros(len(table), np.uint8) if label is None else _labels(path, table[label]),
    )
    return ReadResult(frames=frames, format=FORMAT.name, labelled=label is not None)


def _label_column(path: Path, names: list[str]) -> str | None:
    """The column that holds labels, by its name; None: there is none.

    Raises:
        DataError: Several look like it.
    """
    found = [name for name in names if name not in _COLUMNS and role_of(name) == LABEL]
    if "label" in found:
        return "label"
    if len(found) > 1:
        raise DataError(
            f"{path}: {', '.join(found)} all look like labels. Call the right one label, with "
            f"values 0 and 1"
        )
    return found[0] if found else None


def _refuse_nulls(path: Path, table: pl.DataFrame) -> None:
    for column in table.get_columns():
        if column.null_count():
            row = column.is_null().arg_max()
            raise DataError(f"{path}:row {row}: {column.name} is null. Every frame needs a value")


def _timestamps(path: Path, column: pl.Series) -> NDArray[np.float64]:
    if not column.dtype.is_numeric():
        raise DataError(f"{path}: timestamp is {column.dtype}. It has to be seconds, as Float64")
    seconds = column.cast(pl.Float64).to_numpy().astype(np.float64)
    _refuse_row(path, ~np.isfinite(seconds), seconds, "timestamp", "a finite number of seconds")
    return seconds


def _ids(path: Path, column: pl.Series) -> NDArray[np.uint32]:
    if not column.dtype.is_integer():
        raise DataError(f"{path}: id is {column.dtype}. It has to be a whole number, as UInt32")
    ids = column.cast(pl.Int64, wrap_numerical=True).to_numpy()
    bare = ids & ~np.int64(EXTENDED_FLAG)
    wrong = (bare < 0) | (bare > MAX_EXTENDED_ID)
    _refuse_row(path, wrong, ids, "id", "0 to 536870911 (29 bits)")
    flag = np.where(bare > MAX_STANDARD_ID, np.int64(EXTENDED_FLAG), np.int64(0))
    return (ids | flag).astype(np.uint32)


def _labels(path: Path, column: pl.Series) -> NDArray[np.uint8]:
    if not (column.dtype.is_integer() or column.dtype == pl.Boolean):
        raise DataError(f"{path}: {column.name} is {column.dtype}. It has to be 0 or 1, as UInt8")
    labels = column.cast(pl.Int64, wrap_numerical=True).to_numpy()
    _refuse_row(path, (labels < 0) | (labels > 1), labels, column.name, "0 or 1")
    return labels.astype(np.uint8)


def _payloads(path: Path, column: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """DLC [N] and zero-padded payload [N, 8] of the hex strings."""
    if column.dtype != pl.String:
        raise DataError(f"{path}: data_field is {column.dtype}. It has to be hex text, as String")
    ends = np.cumsum(column.str.len_bytes().to_numpy(), dtype=np.int64)
    text = np.frombuffer(column.str.join("").item().encode(), np.uint8)
    dlc = np.zeros(len(column), np.uint8)
    payload = np.zeros((len(column), _PAYLOAD_BYTES), np.uint8)
    row, code = decode_payloads(text, ends, payload, dlc)
    if code:
        raise DataError(f"{path}:row {row}: {MESSAGES[code]}: {column[row]!r}")
    return dlc, payload


def _refuse_row(
    path: Path, wrong: NDArray[np.bool_], values: NDArray[np.generic], name: str, allowed: str
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(f"{path}:row {row}: {name} is {values[row]}. Allowed: {allowed}")


FORMAT: Final = Format(
    name="parquet",
    title="columns timestamp, id, data_field and, if labelled, label",
    extensions=(".parquet",),
    sniff=sniff,
    read=read,
    order=0,
)
