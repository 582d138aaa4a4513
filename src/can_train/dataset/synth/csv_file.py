"""Frames to text in the can-train-and-test layout, a whole recording at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.synth.bus import Traffic

HEADER: Final = b"timestamp,arbitration_id,data_field,attack\n"
START_S: Final = 1_672_531_200
"""Can-train-and-test starts every file at midnight of 1 January 2023, UTC."""

_HEX: Final = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
_DIGITS: Final = _HEX[:10]


def write_csv(path: Path, traffic: Traffic) -> None:
    """Writes one recording; the file appears under its name only when it is complete.

    Args:
        path: File to write; its folder is made if needed.
        traffic: Frames in recording order, times from the start of the recording.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(HEADER + csv_rows(traffic))
    unfinished.replace(path)


def csv_rows(traffic: Traffic) -> bytes:
    """One line per frame: seconds with microseconds, ID as 3 hex digits, payload in hex, label."""
    time_us = traffic.time_us + START_S * 1_000_000
    columns = [
        _decimal(time_us // 1_000_000, 10),
        _filled(len(traffic), "."),
        _decimal(time_us % 1_000_000, 6),
        _filled(len(traffic), ","),
        _HEX[(traffic.arbitration_id[:, None] >> np.array([8, 4, 0])) & 0xF],
        _filled(len(traffic), ","),
        _HEX[np.stack([traffic.payload >> 4, traffic.payload & 0xF], axis=2).reshape(-1, 16)],
        _filled(len(traffic), ","),
        _DIGITS[traffic.label][:, None],
        _filled(len(traffic), "\n"),
    ]
    lines = np.concatenate(columns, axis=1)
    first = sum(column.shape[1] for column in columns[:6])
    kept = np.ones(lines.shape, dtype=np.bool_)
    kept[:, first : first + 16] = np.arange(16) < 2 * traffic.dlc[:, None].astype(np.int64)
    return lines[kept].tobytes()


def _decimal(values: NDArray[np.int64], digits: int) -> NDArray[np.uint8]:
    """Decimal digits of each value [N, digits], with leading zeros."""
    power = 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
    digit: NDArray[np.uint8] = _DIGITS[values[:, None] // power % 10]
    return digit


def _filled(rows: int, character: str) -> NDArray[np.uint8]:
    return np.full((rows, 1), ord(character), dtype=np.uint8)
