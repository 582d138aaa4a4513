"""Jitted parser of the lines of a table, whose columns have roles."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.fields import is_blank
from can_train.frames.text.lines import REMARK, problem, put
from can_train.frames.text.roled import BAD_LAYOUT, FOUND, How, forget, line_of, read_cell
from can_train.frames.text.roled import MESSAGES as _OF_CELLS

MESSAGES: Final = {**_OF_CELLS, BAD_LAYOUT: "number of fields differs from the header's"}

_QUOTE: Final = ord('"')
_HASH: Final = ord("#")


@compiled()
def parse_table(
    roles: NDArray[np.int64],
    how: How,
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    """Parses lines whose k-th cell is what `roles[k]` says."""
    found = np.zeros(1, FOUND)
    for k in range(len(lines)):
        start, stop = lines[k].start, lines[k].stop
        if data[start] == _HASH:
            put(lines, k, problem(REMARK, start, stop))
            continue
        code, first, last = _read_cells(data, start, stop, payload[k], roles, how, found)
        if code < 0:
            put(lines, k, problem(code, first, last))
        else:
            put(lines, k, line_of(data, start, stop, payload[k], how, found))


@compiled()
def _read_cells(  # noqa: PLR0913 - compiled: a record of the constants would be copied per line
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    payload: NDArray[np.uint8],
    roles: NDArray[np.int64],
    how: How,
    found: NDArray[np.void],
) -> tuple[int, int, int]:
    """Fills `found` [1]; 0, or a negative code and the bounds of what is at fault."""
    missing = max(len(roles) - _cells(data, start, stop, how.separator), 0)
    # Short frames of some datasets leave the cells of their missing bytes out.
    if missing > how.byte_columns:
        return BAD_LAYOUT, start, stop
    forget(found)
    begin, k = start, 0
    while begin <= stop:
        first, last, end = _cell(data, begin, stop, how.separator)
        column = k if k < how.bytes_end - missing else k + missing
        begin, k = end + 1, k + 1
        if column < len(roles):
            code = read_cell(data, first, last, roles[column], how, found, payload)
        else:
            code = BAD_LAYOUT if first < last else 0
        if code < 0:
            return (code, first, last) if code != BAD_LAYOUT else (code, start, stop)
    return 0, start, stop


@compiled()
def _cells(data: NDArray[np.uint8], start: int, stop: int, separator: int) -> int:
    """Number of cells of a line."""
    count = 0
    while start <= stop:
        start = _cell(data, start, stop, separator)[2] + 1
        count += 1
    return count


@compiled()
def _cell(data: NDArray[np.uint8], begin: int, stop: int, separator: int) -> tuple[int, int, int]:
    """Bounds of a cell without blanks and quotes, and of the separator behind it."""
    first = begin
    while first < stop and is_blank(data[first]) and data[first] != separator:
        first += 1
    end = first
    if first < stop and data[first] == _QUOTE:
        end += 1
        while end < stop and data[end] != _QUOTE:
            end += 1
    while end < stop and data[end] != separator:
        end += 1
    last = end
    while first < last and (is_blank(data[last - 1]) or data[last - 1] == _QUOTE):
        last -= 1
    while first < last and (data[first] == _QUOTE or is_blank(data[first])):
        first += 1
    return first, last, end
