"""can-train-and-test: CSV with a header, hexadecimal IDs and payloads.

    timestamp,arbitration_id,data_field,attack
    1672531200.003094,7DF,FA,1

The order of the columns is free, unknown ones are left out, and `attack` may be missing.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.errors import DataError
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.canonical import (
    OTHER,
    id_at,
    line_end_at,
    payload_at,
    seconds_at,
)
from can_train.frames.text.fields import (
    COMMA,
    find,
    parse_id,
    parse_label,
    parse_payload,
    parse_time,
    trim,
)
from can_train.frames.text.lines import FRAME, NO_BUS, Line, problem, put
from can_train.frames.text.reading import OWN_CODES, TextLayout, read_text
from can_train.frames.text.scanning import scan_by

BAD_FIELD_COUNT: Final = OWN_CODES
_MESSAGES: Final = {BAD_FIELD_COUNT: "number of fields differs from the header's"}

TIMESTAMP, ARBITRATION_ID, DATA_FIELD, LABEL, IGNORED = range(5)
_ROLES: Final = {
    "timestamp": TIMESTAMP,
    "arbitration_id": ARBITRATION_ID,
    "data_field": DATA_FIELD,
    "attack": LABEL,
}
COLUMNS: Final = tuple(_ROLES)
_NEEDED: Final = frozenset(_ROLES) - {"attack"}
_HEADER: Final = ",".join(_ROLES)
_HEADLESS: Final = re.compile(r"\d+(\.\d+)?,[0-9A-Fa-f]{3,8},([0-9A-Fa-f]{2})*\s*,[01]")
_BLANKS: Final = b" \t\r\n"


def sniff(head: Head) -> int | None:
    """0 if the first line is the header, or a frame of a file that lost it."""
    first = head.lines[0] if head.lines else ""
    # Recognised without its header as well, so that the message can name what is missing.
    return 0 if is_header(first) or _HEADLESS.fullmatch(first) else None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: No header, a column twice, or a malformed line.
    """
    return read_text(path, layout_of(path), options)


def layout_of(path: Path) -> TextLayout:
    """How a file is written, by its header.

    Raises:
        DataError: No header, or a column twice.
    """
    head = head_of(path)
    line = head.lines[0] if head.lines else ""
    blank = len(head.start) - len(head.start.lstrip(_BLANKS))
    number = head.start[:blank].count(b"\n") + 1
    if not is_header(line):
        raise DataError(
            f"{path}:{number}: no header. A can-train-and-test CSV starts with the line {_HEADER}; "
            f"attack may be missing, and the order is free. Put it in front"
        )
    columns = _names(line)
    repeated = sorted({column for column in columns if columns.count(column) > 1} & set(_ROLES))
    if repeated:
        raise DataError(f"{path}:{number}: column {', '.join(repeated)} stands twice. Keep one")
    roles = np.array([_ROLES.get(column, IGNORED) for column in columns], np.int64)
    return TextLayout(
        format=FORMAT.name,
        parse=functools.partial(_parse, roles),
        scan=functools.partial(_scan, roles),
        messages=_MESSAGES,
        labelled="attack" in columns,
        header_lines=1,
        label_field=columns.index("attack") if "attack" in columns else -1,
    )


def _names(line: str) -> list[str]:
    return [name.strip().strip('"') for name in line.split(",")]


def is_header(line: str) -> bool:
    """Whether a line names all columns that are needed."""
    return set(_names(line)) >= _NEEDED


@compiled()
def _parse(
    roles: NDArray[np.int64],
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    for k in range(len(lines)):
        put(lines, k, _line(data, lines[k].start, lines[k].stop, payload[k], roles))


@compiled()
def _usual_line(
    roles: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    count: int,
    words: NDArray[np.uint64],
) -> int:
    """Reads a line whose k-th field is what `roles[k]` says, without blanks; the byte behind it."""
    seconds = 0.0
    arbitration_id = label = dlc = 0
    time_start = time_stop = start
    payload = np.uint64(0)
    at = start
    for k in range(len(roles)):
        begin = at
        if roles[k] == TIMESTAMP:
            seconds, at = seconds_at(data, begin)
            time_start, time_stop = begin, at
        elif roles[k] == ARBITRATION_ID:
            arbitration_id, at = id_at(data, begin)
        elif roles[k] == DATA_FIELD:
            payload, at = payload_at(data, begin)
            dlc = (at - begin) // 2
        elif roles[k] == LABEL:
            label = int(data[begin]) - ord("0")
            at = begin + 1 if 0 <= label <= 1 else OTHER
        else:
            return OTHER
        if at == OTHER:
            return OTHER
        if k < len(roles) - 1:
            if data[at] != COMMA:
                return OTHER
            at += 1
    end = line_end_at(data, at)
    if end != OTHER:
        words[count, 0] = payload
        found = Line(FRAME, time_start, time_stop, seconds, arbitration_id, dlc, label, NO_BUS)
        put(lines, count, found)
    return end


_scan: Final = scan_by(_usual_line)


@compiled()
def _line(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    payload: NDArray[np.uint8],
    roles: NDArray[np.int64],
) -> Line:
    """One line, whose k-th field is what `roles[k]` says."""
    time_start = time_stop = start
    arbitration_id = dlc = label = 0
    begin = start
    for k in range(len(roles)):
        comma = find(data, begin, stop, COMMA)
        if (comma == stop) != (k == len(roles) - 1):
            return problem(BAD_FIELD_COUNT, start, stop)
        first, last = trim(data, begin, comma)
        code = 0
        if roles[k] == TIMESTAMP:
            time_start, time_stop = first, last
        elif roles[k] == ARBITRATION_ID:
            code = arbitration_id = parse_id(data, first, last)
        elif roles[k] == DATA_FIELD:
            # Empty is a frame without payload; some recordings write a tab behind it.
            code = dlc = parse_payload(data, first, last, payload)
        elif roles[k] == LABEL:
            code = label = parse_label(data, first, last)
        if code < 0:
            return problem(code, first, last)
        begin = comma + 1
    seconds = parse_time(data, time_start, time_stop)
    return Line(FRAME, time_start, time_stop, seconds, arbitration_id, dlc, label, NO_BUS)


FORMAT: Final = Format(
    name="can-train-and-test",
    title="CSV timestamp,arbitration_id,data_field,attack, hexadecimal",
    extensions=(".csv",),
    sniff=sniff,
    read=read,
    order=10,
)
