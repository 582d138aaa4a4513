"""Frames as text and as tables: what other programs read, and what is read back bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from can_train.errors import DataError, counted
from can_train.frames.frame import EXTENDED_FLAG, MAX_STANDARD_ID, Frames

_ROWS: Final = 1 << 18
"""Frames that are text at a time: some 100 MB."""

_CLASSIC_BYTES: Final = 8
_DIGITS: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)


def write_candump(path: Path, frames: Frames) -> None:
    """Writes `candump -l`; frames of a CAN FD recording as `##0`."""
    mark = "##0" if frames.payload.shape[1] > _CLASSIC_BYTES else "#"
    with path.open("wb") as file:
        for part in _parts(frames):
            line = pl.format("({}) can0 {}" + mark + "{}", "timestamp", "id", "data_field")
            lines = _texts(part).select(line=line)
            lines.write_csv(file, include_header=False, quote_style="never")


def write_table(path: Path, frames: Frames) -> None:
    """Writes the can-train-and-test CSV, labels included."""
    _require_plain(path, frames)
    with path.open("wb") as file:
        for number, part in enumerate(_parts(frames)):
            table = _texts(part).select(
                "timestamp", "data_field", arbitration_id="id", attack="label"
            )
            ordered = table.select("timestamp", "arbitration_id", "data_field", "attack")
            ordered.write_csv(file, include_header=number == 0, quote_style="never")


def write_parquet(path: Path, frames: Frames) -> None:
    """Writes the parquet layout, labels included."""
    _require_plain(path, frames)
    texts = pl.concat(_texts(part).select("data_field") for part in _parts(frames))
    pl.DataFrame(
        {
            "timestamp": np.ascontiguousarray(frames.timestamp),
            "id": frames.arbitration_id & ~EXTENDED_FLAG,
            "data_field": texts["data_field"],
            "label": np.ascontiguousarray(frames.label),
        }
    ).write_parquet(path)


def _parts(frames: Frames) -> Iterator[Frames]:
    for begin in range(0, len(frames), _ROWS):
        yield frames[begin : begin + _ROWS]


def _texts(frames: Frames) -> pl.DataFrame:
    """Columns of frames as a text format writes them."""
    return pl.DataFrame(
        {
            "timestamp": _seconds(frames.timestamp),
            "id": _ids(frames.arbitration_id),
            "data_field": _payloads(frames),
            "label": np.ascontiguousarray(frames.label),
        }
    )


def _seconds(timestamp: NDArray[np.float64]) -> pl.Series:
    """The shortest decimals that are read back as the same number, never with an exponent."""
    text = pl.Series(np.ascontiguousarray(timestamp)).cast(pl.String)
    odd = text.str.contains("e", literal=True).to_numpy()
    if odd.any():
        plain = text.to_list()
        for row in np.flatnonzero(odd):
            plain[row] = np.format_float_positional(timestamp[row], unique=True, trim="0")
        text = pl.Series(plain)
    return text


def _ids(arbitration_id: NDArray[np.uint32]) -> pl.Series:
    """Three digits for a standard ID, eight for an extended one."""
    distinct, inverse = np.unique(arbitration_id, return_inverse=True)
    words = [
        f"{number & ~int(EXTENDED_FLAG):08X}" if number & int(EXTENDED_FLAG) else f"{number:03X}"
        for number in distinct.tolist()
    ]
    return pl.Series(words)[inverse.astype(np.uint32)]


def _payloads(frames: Frames) -> pl.Series:
    """Two digits for each byte of the payload."""
    digits = np.empty((len(frames), 2 * frames.payload.shape[1]), np.uint8)
    digits[:, 0::2] = _DIGITS[frames.payload >> 4]
    digits[:, 1::2] = _DIGITS[frames.payload & 15]
    whole = digits.view(f"S{digits.shape[1]}").ravel().astype(str)
    table = pl.DataFrame({"text": whole.tolist(), "digits": 2 * frames.dlc.astype(np.uint16)})
    return table.select(pl.col("text").str.slice(0, pl.col("digits")))["text"]


def _require_plain(path: Path, frames: Frames) -> None:
    """Refuses what a table of hex numbers can't tell.

    Raises:
        DataError: Extended IDs that are as small as standard ones, or CAN FD payloads.
    """
    bare = frames.arbitration_id & ~EXTENDED_FLAG
    small = int(np.count_nonzero((bare != frames.arbitration_id) & (bare <= MAX_STANDARD_ID)))
    if small or frames.payload.shape[1] > _CLASSIC_BYTES:
        extended = f"{counted(small, 'frame')} with extended IDs below 800"
        what = extended if small else "CAN FD payloads"
        raise DataError(
            f"{path}: this format can't tell {what} from others. Export it with --format candump"
        )
