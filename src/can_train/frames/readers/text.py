"""Reads a text recording of any grammar in one jitted pass over its mapped bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.frames.readers.fields import BAD_TIMESTAMP, MESSAGES, trim
from can_train.frames.readers.grammars import (
    FRAME,
    Columns,
    candump_line,
    csv_line,
    hcrl_line,
)
from can_train.frames.readers.result import (
    MOST_PROBLEMS_SHOWN,
    ReadResult,
    refuse_problems,
    require_frames,
)

CSV, HCRL, CANDUMP = range(3)
"""Grammars, as the jitted pass knows them."""

_REPARSED_AT_ONCE: Final = 4096
_LONGEST_SHOWN: Final = 60
_CLASSIC_BYTES: Final = 8
_FD_BYTES: Final = 64
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_POSITION, _LINE, _ROW, _PROBLEMS, _NO_FRAMES = range(5)

Problems: TypeAlias = NDArray[np.int64]
"""Per problem: line, code, first and last byte (exclusive) of the field at fault [K, 4]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLayout:
    """How one text file is to be read.

    Attributes:
        name: Name of the format.
        grammar: `CSV`, `HCRL` or `CANDUMP`.
        roles: What the grammar needs to know: roles of the columns, or whether there are flags.
        labelled: Whether the lines hold labels.
        header_lines: Lines before the first frame.
    """

    name: str
    grammar: int
    roles: tuple[int, ...]
    labelled: bool
    header_lines: int = 0


def read_text(path: Path, layout: TextLayout, *, lenient: bool) -> ReadResult:
    """Reads one text recording.

    Args:
        path: A file that isn't empty.
        layout: Its layout.
        lenient: Leave malformed lines out and count them.

    Raises:
        DataError: A line is malformed (unless lenient), or there are no frames.
    """
    data: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r"))
    wide = layout.grammar == CANDUMP and has_fd_frames(data)
    reading = _Reading.of(path, data, _FD_BYTES if wide else _CLASSIC_BYTES)
    reading.run(layout)
    shown = reading.problem_texts()
    if not lenient:
        refuse_problems(path, shown, reading.problem_count)
    frames = reading.frames()
    require_frames(path, len(frames))
    return ReadResult(
        frames=frames,
        format=layout.name,
        labelled=layout.labelled,
        skipped=reading.problem_count,
        error_frames=int(reading.cursor[_NO_FRAMES]),
        first_problems=shown,
    )


@dataclass(slots=True, kw_only=True)
class _Reading:
    """State of one pass."""

    path: Path
    data: NDArray[np.uint8]
    columns: Columns
    cursor: NDArray[np.int64]
    problems: Problems
    bad_times: list[tuple[int, int, int, int]]
    bad_rows: list[int]

    @classmethod
    def of(cls, path: Path, data: NDArray[np.uint8], payload_bytes: int) -> _Reading:
        lines = int(count_lines(data))
        return cls(
            path=path,
            data=data,
            columns=(
                np.empty(lines, np.float64),
                np.empty(lines, np.uint32),
                np.empty(lines, np.uint8),
                np.zeros((lines, payload_bytes), np.uint8),
                np.zeros(lines, np.uint8),
            ),
            cursor=np.zeros(5, np.int64),
            problems=np.zeros((MOST_PROBLEMS_SHOWN, 4), np.int64),
            bad_times=[],
            bad_rows=[],
        )

    @property
    def problem_count(self) -> int:
        return int(self.cursor[_PROBLEMS]) + len(self.bad_rows)

    def run(self, layout: TextLayout) -> None:
        """Parses all lines; timestamps that only `float()` can read are read by it."""
        if self.data[: len(BYTE_ORDER_MARK)].tobytes() == BYTE_ORDER_MARK:
            self.cursor[_POSITION] = len(BYTE_ORDER_MARK)
        roles = np.array(layout.roles, np.int64)
        pending = np.zeros((_REPARSED_AT_ONCE, 4), np.int64)
        settings = (layout.grammar, layout.header_lines)
        while self.cursor[_POSITION] < len(self.data):
            count = parse_lines(
                self.data, settings, roles, self.columns, (self.cursor, self.problems, pending)
            )
            for row, line, start, stop in pending[:count].tolist():
                seconds = _seconds(self.text(start, stop))
                self.columns[0][row] = seconds
                if not math.isfinite(seconds):
                    self.bad_rows.append(row)
                    self.bad_times.append((line, BAD_TIMESTAMP, start, stop))

    def text(self, start: int, stop: int) -> str:
        return self.data[start:stop].tobytes().decode("utf-8", "replace")

    def problem_texts(self) -> tuple[str, ...]:
        """The first problems in file order, each as `file:line: what: text`."""
        stored = min(int(self.cursor[_PROBLEMS]), MOST_PROBLEMS_SHOWN)
        found = [tuple(row) for row in self.problems[:stored].tolist()]
        found += self.bad_times[:MOST_PROBLEMS_SHOWN]
        return tuple(
            f"{self.path}:{line}: {MESSAGES[code]}: {_shorten(self.text(start, stop))}"
            for line, code, start, stop in sorted(found)[:MOST_PROBLEMS_SHOWN]
        )

    def frames(self) -> Frames:
        rows: slice | NDArray[np.bool_] = slice(0, int(self.cursor[_ROW]))
        if self.bad_rows:
            good = np.arange(len(self.columns[0])) < self.cursor[_ROW]
            good[self.bad_rows] = False
            rows = good
        timestamp, arbitration_id, dlc, payload, label = self.columns
        return Frames(
            timestamp=timestamp[rows],
            arbitration_id=arbitration_id[rows],
            dlc=dlc[rows],
            payload=payload[rows],
            label=label[rows],
        )


def _seconds(text: str) -> float:
    """`float(text)`, or NaN where that isn't a plain number."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _shorten(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


@numba.njit(cache=True, nogil=True)
def count_lines(data: NDArray[np.uint8]) -> int:
    """Number of lines, the last one counted with or without a line end."""
    count = 1
    for byte in data:
        count += byte == 10
    return count


@numba.njit(cache=True, nogil=True)
def has_fd_frames(data: NDArray[np.uint8]) -> bool:
    """Whether `##`, the mark of CAN FD in candump text, occurs."""
    for i in range(len(data) - 1):
        if data[i] == 35 and data[i + 1] == 35:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def parse_lines(
    data: NDArray[np.uint8],
    settings: tuple[int, int],
    roles: NDArray[np.int64],
    out: Columns,
    state: tuple[NDArray[np.int64], Problems, NDArray[np.int64]],
) -> int:
    """Parses from the cursor to the end of the data, or until `pending` is full.

    Returns:
        Number of `pending` rows: row, line and bounds of timestamps left to `float()`.
    """
    cursor, problems, pending = state
    grammar, header_lines = settings
    position, line, row = cursor[_POSITION], cursor[_LINE], cursor[_ROW]
    where = np.zeros(4, np.int64)
    count = 0
    size = len(data)
    while position < size and count < len(pending):
        stop = position
        while stop < size and data[stop] != 10:
            stop += 1
        start, end = trim(data, position, stop)
        position = stop + 1
        line += 1
        if line <= header_lines or start == end:
            continue
        where[0], where[1] = start, end
        if grammar == CSV:
            code = csv_line(data, (start, end), roles, out, row, where)
        elif grammar == HCRL:
            code = hcrl_line(data, (start, end), roles, out, row, where)
        else:
            code = candump_line(data, (start, end), out, row, where)
        if code == FRAME:
            if np.isnan(out[0][row]):
                pending[count] = row, line, where[2], where[3]
                count += 1
            row += 1
            continue
        out[3][row] = 0
        if code > FRAME:
            cursor[_NO_FRAMES] += 1
            continue
        if cursor[_PROBLEMS] < len(problems):
            problems[cursor[_PROBLEMS]] = line, code, where[0], where[1]
        cursor[_PROBLEMS] += 1
    cursor[_POSITION], cursor[_LINE], cursor[_ROW] = position, line, row
    return count
