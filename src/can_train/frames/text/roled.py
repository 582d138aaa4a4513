"""Jitted parsing of cells by their role, and the frame that the cells of a line make."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.frame import MAX_EXTENDED_ID, MAX_STANDARD_ID
from can_train.frames.text.cells import (
    is_true,
    parse_bytes,
    parse_integer,
    parse_label_word,
    parse_number,
)
from can_train.frames.text.clock import parse_clock
from can_train.frames.text.fields import (
    BAD_PAYLOAD,
    ID_TOO_LARGE,
    INT_EXTENDED_FLAG,
    PAYLOAD_TOO_LONG,
)
from can_train.frames.text.lines import FRAME, NO_BUS, NO_FRAME, REQUEST, Line, bus_word, problem
from can_train.frames.text.reading import OWN_CODES
from can_train.frames.text.roles import (
    BUS,
    BYTE,
    DATA,
    DLC,
    ERROR,
    EXTENDED,
    FLAGS,
    ID,
    IGNORED,
    LABEL,
    REMOTE,
    TIME,
)

BAD_LAYOUT: Final = OWN_CODES
BAD_DLC: Final = OWN_CODES - 1
DLC_MISMATCH: Final = OWN_CODES - 2
LABELS_DISAGREE: Final = OWN_CODES - 3
BAD_FLAGS: Final = OWN_CODES - 4
MESSAGES: Final = {
    BAD_DLC: "DLC isn't a number from 0 to 64",
    DLC_MISMATCH: "number of payload bytes differs from the DLC",
    LABELS_DISAGREE: "one label says attack, another benign",
    BAD_FLAGS: "flags aren't a number",
}

WIDE_DIGITS: Final = 8
_MOST_BYTES: Final = 64
_LARGEST_BYTE: Final = 255
_REMOTE_FLAG, _EXTENDED_FLAG, _ERROR_FLAG = 1, 4, 32
"""Bits of the flags that Kvaser's tools write (canMSG_RTR, canMSG_EXT, canMSG_ERROR_FRAME)."""


class How(NamedTuple):
    """How the cells of a table are written.

    Attributes:
        separator: Byte between cells.
        point: Byte before the decimals of a timestamp.
        id_base: 16 or 10.
        wide_is_extended: Whether eight digits mark an extended ID, since others have fewer.
        large_id_is_error: Whether an ID of more than 29 bits marks a bus error.
        payload: Encoding of a payload in one cell (`cells`).
        byte_base: 16 or 10, for payloads of a cell per byte.
        bytes_end: Column behind the last one of a byte.
        byte_columns: Number of columns of a byte.
    """

    separator: int
    point: int
    id_base: int
    wide_is_extended: int
    large_id_is_error: int
    payload: int
    byte_base: int
    bytes_end: int
    byte_columns: int


FOUND: Final = np.dtype(
    [
        ("time_start", np.int64),
        ("time_stop", np.int64),
        ("id", np.int64),
        ("extended", np.int64),
        ("dlc", np.int64),
        ("count", np.int64),
        ("label", np.int64),
        ("remote", np.int64),
        ("error", np.int64),
        ("bus", np.uint64),
    ],
    align=True,
)
"""What the cells of a line have told so far; -1 where none told it, `count` counts bytes."""


@compiled()
def forget(found: NDArray[np.void]) -> None:
    """Empties `found` [1] for the next line."""
    found[0].extended = found[0].dlc = found[0].label = -1
    found[0].id = found[0].count = found[0].remote = found[0].error = 0
    found[0].bus = NO_BUS


@compiled()
def read_cell(  # noqa: PLR0913 - as above
    data: NDArray[np.uint8],
    first: int,
    last: int,
    role: int,
    how: How,
    found: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> int:
    """0 or more, or the negative code of what is wrong with the cell."""
    if role == TIME:
        found[0].time_start, found[0].time_stop = first, last
    elif role == ID:
        if how.wide_is_extended and last - first == WIDE_DIGITS:
            found[0].extended = 1
        found[0].id = parse_integer(data, first, last, how.id_base)
        if found[0].id <= MAX_EXTENDED_ID:
            return int(found[0].id)
        found[0].error = how.large_id_is_error
        return 0 if how.large_id_is_error else ID_TOO_LARGE
    elif role == BYTE:
        return _read_byte(data, first, last, how.byte_base, found, payload)
    elif role == DATA:
        found[0].count = parse_bytes(data, first, last, payload, how.payload)
        return int(found[0].count)
    elif role == DLC:
        found[0].dlc = parse_integer(data, first, last, 10)
        return BAD_DLC if not 0 <= found[0].dlc <= _MOST_BYTES else 0
    elif role == LABEL:
        return _read_label(data, first, last, found)
    elif role != IGNORED:
        return _read_attribute(data, first, last, role, found)
    return 0


@compiled()
def _read_byte(
    data: NDArray[np.uint8],
    first: int,
    last: int,
    base: int,
    found: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> int:
    if first == last:
        return 0
    if found[0].count == len(payload):
        return PAYLOAD_TOO_LONG
    value = parse_integer(data, first, last, base)
    if not 0 <= value <= _LARGEST_BYTE:
        return BAD_PAYLOAD
    payload[found[0].count] = value
    found[0].count += 1
    return 0


@compiled()
def _read_label(data: NDArray[np.uint8], first: int, last: int, found: NDArray[np.void]) -> int:
    label = parse_label_word(data, first, last)
    if label >= 0 and found[0].label >= 0 and label != found[0].label:
        return LABELS_DISAGREE
    found[0].label = label
    return label


@compiled()
def _read_attribute(
    data: NDArray[np.uint8], first: int, last: int, role: int, found: NDArray[np.void]
) -> int:
    if role == BUS:
        found[0].bus = bus_word(data, first, last)
    elif role == EXTENDED:
        found[0].extended = is_true(data, first, last)
    elif role == REMOTE:
        found[0].remote = is_true(data, first, last)
    elif role == ERROR:
        found[0].error = is_true(data, first, last)
    elif role == FLAGS:
        flags = parse_integer(data, first, last, 10)
        if flags < 0:
            return BAD_FLAGS
        found[0].remote = flags & _REMOTE_FLAG
        found[0].error = flags & _ERROR_FLAG
        found[0].extended = 1 if flags & _EXTENDED_FLAG else 0
    return 0


@compiled()
def line_of(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    payload: NDArray[np.uint8],
    how: How,
    found: NDArray[np.void],
) -> Line:
    """The line whose cells are in `found` [1]."""
    told = found[0]
    if told.error:
        return problem(NO_FRAME, start, stop)
    arbitration_id = told.id
    if told.extended == 1 or arbitration_id > MAX_STANDARD_ID:
        arbitration_id |= INT_EXTENDED_FLAG
    count = 0 if told.remote else _length(told.dlc, told.count, how.byte_columns)
    if count < 0:
        return problem(count, start, stop)
    payload[count:] = 0
    first, last = told.time_start, told.time_stop
    seconds = parse_number(data, first, last, how.point)
    if seconds != seconds:
        seconds = parse_clock(data, first, last)
    label = max(told.label, 0)
    code = REQUEST if told.remote else FRAME
    return Line(code, first, last, seconds, arbitration_id, count, label, told.bus)


@compiled()
def fd_length(dlc: int) -> int:
    """Number of payload bytes of a data length code, by ISO 11898-1."""
    if dlc <= 8:
        return dlc
    return 4 * (dlc - 6) if dlc <= 12 else (32 if dlc == 13 else 16 * (dlc - 11))


@compiled()
def _length(dlc: int, count: int, byte_columns: int) -> int:
    """Number of payload bytes of a frame, or DLC_MISMATCH.

    A table with a column per byte fills those behind the frame's end with zeros or nothing.
    """
    if dlc < 0 or dlc == count or (byte_columns and dlc < count):
        return count if dlc < 0 else dlc
    return count if 8 < dlc <= 15 and count == fd_length(dlc) else DLC_MISMATCH
