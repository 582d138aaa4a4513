"""PEAK's trace files, versions 1.0 to 2.1.

    ;$FILEVERSION=2.1
    ;$STARTTIME=43008.920986006946
    ;$COLUMNS=N,O,T,B,I,d,R,L,D
          1      2501.000 DT 2      00C8 Tx -  8    09 08 07 06 05 04 03 02

Times are milliseconds since $STARTTIME, days since 1899-12-30; a file of version 1.0 has none and
begins at 0. Which columns there are follows from the version, or from $COLUMNS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from can_train.errors import DataError
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.kinds import DATA_FRAME, OTHER, REMOTE_FRAME
from can_train.frames.text.reading import TextLayout, read_text
from can_train.frames.text.roles import BUS, BYTE, DLC, ID, IGNORED, KIND, TIME
from can_train.frames.text.words import grammar, words_layout

_VERSION: Final = re.compile(r";\$FILEVERSION=(\d\.\d)")
_START: Final = re.compile(r";\$STARTTIME=([\d.]+)")
_COLUMNS: Final = re.compile(r";\$COLUMNS=([A-Za-z,]+)")
_FRAME: Final = re.compile(r"\d+\)\s+[\d.]+\s+[0-9A-F]{3,8}\s+\d\s.*")
_UNIX_DAY: Final = 25_569
"""1970-01-01 in days since 1899-12-30."""

_DAY_S: Final = 86_400.0
_FIRST_VERSION: Final = "1.0"
_ROLES: Final[Mapping[str, Sequence[int]]] = {
    "1.0": (IGNORED, TIME, ID, DLC, BYTE),
    "1.1": (IGNORED, TIME, KIND, ID, DLC, BYTE),
    "1.2": (IGNORED, TIME, BUS, KIND, ID, DLC, BYTE),
    "1.3": (IGNORED, TIME, BUS, KIND, ID, IGNORED, DLC, BYTE),
}
_BY_LETTER: Final = {"O": TIME, "T": KIND, "B": BUS, "I": ID, "L": DLC, "l": DLC, "D": BYTE}
_KINDS: Final = {
    "rx": DATA_FRAME,
    "tx": DATA_FRAME,
    "dt": DATA_FRAME,
    "fd": DATA_FRAME,
    "fb": DATA_FRAME,
    "fe": DATA_FRAME,
    "bi": DATA_FRAME,
    "rr": REMOTE_FRAME,
}
_FD_KINDS: Final = re.compile(r"\d+\)?\s+[\d.]+\s+(\d+\s+)?(FD|FB|FE|BI)\s.*")
_FORM: Final = "number, milliseconds, type, ID, DLC and bytes, as the heading says"


def sniff(head: Head) -> int | None:
    """Number of the line with the version, or of the first frame of one that has none."""
    for k, line in enumerate(head.lines):
        if _VERSION.match(line) or _FRAME.fullmatch(line):
            return k
    return None


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: An unknown version, or a malformed line.
    """
    return read_text(path, layout_of(path), options)


def layout_of(path: Path) -> TextLayout:
    """How a file is written, by its heading.

    Raises:
        DataError: An unknown version, or a start that is no number.
    """
    lines = head_of(path).sample
    version = _first(_VERSION, lines) or _FIRST_VERSION
    columns = _first(_COLUMNS, lines)
    if columns is None and version not in _ROLES:
        raise DataError(
            f"{path}: TRC of version {version} without ;$COLUMNS. Read are {', '.join(_ROLES)} "
            f"and those of 2.0 and later that name their columns"
        )
    roles = _ROLES[version] if columns is None else _roles(columns)
    how = grammar(
        kinds=_KINDS,
        unknown=OTHER,
        usual_kind="DT" if columns else "Rx",
        remark=";",
        dlc_is_code=bool(columns and "L" in columns),
        wide_is_extended=1,
    )
    fd = any(map(_FD_KINDS.fullmatch, lines))
    layout = words_layout(FORMAT.name, roles, how, _FORM, fd=fd)
    return _timed(path, layout, lines)


def _roles(columns: str) -> tuple[int, ...]:
    return tuple(_BY_LETTER.get(letter, IGNORED) for letter in columns.split(","))


def _timed(path: Path, layout: TextLayout, lines: Sequence[str]) -> TextLayout:
    days = _first(_START, lines)
    try:
        start = 0.0 if days is None else (float(days) - _UNIX_DAY) * _DAY_S
    except ValueError as error:
        raise DataError(
            f"{path}: ;$STARTTIME={days}. Allowed: days since 1899-12-30, such as 45200.5"
        ) from error
    return layout.starting_at(start, units_per_s=1e3)


def _first(pattern: re.Pattern[str], lines: Sequence[str]) -> str | None:
    return next((found[1] for line in lines if (found := pattern.match(line))), None)


FORMAT: Final = Format(
    name="trc",
    title="PEAK trace (TRC) 1.0 to 2.1",
    extensions=(".trc",),
    sniff=sniff,
    read=read,
    order=32,
)
