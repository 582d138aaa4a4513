"""Tables: CSV and the like with a header, whose columns tell by name and content what they are.

    Timestamp,CAN ID,DLC,DATA[0],DATA[1],Flag          time;id;data;label
    1478191030.067627,05f0,2,01,00,T                   0,000156;0x5F0;01 00;Attack

Read this way are can-train-and-test in other dress, the Car-Hacking Attack & Defense Challenge,
TTIDS, DAGA, cabana, GVRET (SavvyCAN), python-can, CANalyzer and Kvaser CSV, and the user's own.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from can_train.errors import DataError, did_you_mean
from can_train.frames.options import ReadOptions
from can_train.frames.readers import can_train_and_test
from can_train.frames.readers.registry import TABLE, Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.cells import HEX_TEXT
from can_train.frames.text.doubtful import doubtful_columns
from can_train.frames.text.layout import RoledTable, table_of
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES, TextLayout, read_text
from can_train.frames.text.roles import (
    ATTACK_WORDS,
    BENIGN_WORDS,
    BYTE,
    DATA,
    ID,
    IGNORED,
    LABEL,
    ROLES,
    TIME,
    plain,
)
from can_train.frames.text.table import MESSAGES, parse_table
from can_train.frames.text.table_text import Cells, cells_of, headless_cells
from can_train.frames.text.usual_table import is_usual, scan_table, usual_constants

_NO_TIME: Final = re.compile(r"\d{1,4}(,\d{1,3}){8},[01](\.0)?")
"""ID, eight bytes and a label, all decimal: what ROAD is often turned into."""

_NUMBERS: Final = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
"""One column, or a range of them."""

_NO_LABEL: Final = "none"
_WITH_TIME: Final = (
    "Datasets with a time for each frame: can-train-and-test, HCRL's, CAN-MIRGU, ROAD's raw logs"
)


def sniff(head: Head) -> int | None:
    """Number of the header, unless `can-train-and-test` reads the table faster."""
    cells = cells_of(head.lines)
    if cells is None or cells.header_line is None:
        return 0 if head.lines and _NO_TIME.fullmatch(head.lines[0]) else None
    if can_train_and_test.is_header(head.lines[cells.header_line]):
        whole = cells_of(head.sample)
        if whole is not None and _is_can_train_and_test(whole, head):
            return None
    return cells.header_line


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: A column is missing, may be a label, or isn't there; or a line is malformed.
    """
    table = understood(path, options.columns)
    result = read_text(path, layout_of(table), options)
    kinds = {text.lower() for text in table.values(LABEL)} - {*ATTACK_WORDS, *BENIGN_WORDS}
    if kinds and result.frames.label.all():
        names = ", ".join(table.cells.names[k] for k in table.of(LABEL))
        raise DataError(
            f"{path}: column {names} holds {', '.join(sorted(kinds)[:3])} and no word for benign "
            f"frames ({', '.join(BENIGN_WORDS[:5])}, …). If it is no label: --columns label=none"
        )
    return result


def layout_of(table: RoledTable) -> TextLayout:
    """How the lines of a table are read."""
    roles, how = np.array(table.roles, np.int64), table.how
    scan = functools.partial(scan_table, usual_constants(table.roles, how))
    return TextLayout(
        format=FORMAT.name,
        parse=functools.partial(parse_table, roles, how),
        scan=scan if is_usual(table.roles, how) else None,
        messages=MESSAGES,
        labelled=bool(table.of(LABEL)),
        header_lines=0 if table.cells.header_line is None else table.cells.header_line + 1,
        payload_bytes=FD_BYTES if table.is_fd else CLASSIC_BYTES,
        may_be_wide=not table.is_fd,
        units_per_s=table.units_per_s,
        understood=table.understood(),
        label_field=next(iter(table.of(LABEL)), -1),
    )


def understood(path: Path, columns: Mapping[str, str]) -> RoledTable:
    """What the columns of a table are.

    Args:
        path: The file.
        columns: What the user said of them, by role.

    Raises:
        DataError: There is no table of frames.
    """
    sample = head_of(path).sample
    names = {name for name in columns.values() if not _NUMBERS.fullmatch(name)}
    cells = cells_of(sample, frozenset(map(plain, names - {_NO_LABEL})))
    if cells is None:
        if not columns:
            raise DataError(_no_header(path, sample[0] if sample else ""))
        cells = headless_cells(sample)
    given = _given(path, cells, columns)
    taken = frozenset(ROLES[word] for word in columns)
    table = table_of(cells, given, taken)
    _refuse_missing(path, table)
    doubtful = {} if LABEL in taken else doubtful_columns(path, table)
    if doubtful:
        told = "; ".join(f"column {name} holds {held}" for name, held in doubtful.items())
        raise DataError(
            f"{path}: {told} and may be a label. Say what it is: "
            f"--columns {shlex.quote(f'label={next(iter(doubtful))}')}, or --columns label=none"
        )
    return table


def _is_can_train_and_test(cells: Cells, head: Head) -> bool:
    """Whether nothing but the plain layout is there: no quotes, decimal IDs or blanks in bytes."""
    table = table_of(cells, {}, frozenset())
    used = [plain(cells.names[k]) for k, role in enumerate(table.roles) if role != IGNORED]
    how, data = table.how, "".join(table.values(DATA))
    return (
        set(used) <= set(can_train_and_test.COLUMNS)
        and b'"' not in head.start
        and (how.id_base, how.payload, how.wide_is_extended) == (16, HEX_TEXT, 0)
        and " " not in data
        and "." not in data
    )


def _no_header(path: Path, line: str) -> str:
    if _NO_TIME.fullmatch(line):
        return f"{path}: no header and no time: ID, bytes and label alone. {_WITH_TIME}"
    return (
        f"{path}: no header that names time, ID and payload. Say which column is what, by its "
        f"number: --columns time=1,id=2,data=3"
    )


def _refuse_missing(path: Path, table: RoledTable) -> None:
    names = ", ".join(name or "(no name)" for name in table.cells.names)
    if not table.of(TIME):
        raise DataError(
            f"{path}: no column of time among {names}. What is learnt are rates and intervals: "
            f"frames without time can't be imported. {_WITH_TIME}. If one of these is the time: "
            f"--columns time=NAME"
        )
    if not table.of(DATA, BYTE):
        raise DataError(
            f"{path}: no column of payload bytes among {names}. Signals that were decoded from "
            f"frames (SynCAN, ROAD's signal_extractions) can't be imported: the raw log of the "
            f"same drive holds the frames. If one of these is the payload: --columns data=NAME"
        )
    if not table.of(ID):
        raise DataError(
            f"{path}: no column of arbitration IDs among {names}. If one of these holds them: "
            f"--columns id=NAME"
        )


def _given(path: Path, cells: Cells, columns: Mapping[str, str]) -> dict[int, int]:
    """Role of each column that the user named."""
    given: dict[int, int] = {}
    for word, named in columns.items():
        if word not in ROLES:
            raise DataError(
                f"--columns {word}={named}: no such role{did_you_mean(word, ROLES) or '.'} "
                f"Allowed: {', '.join(ROLES)}"
            )
        if (word, named) == ("label", _NO_LABEL):
            continue
        found = _columns_called(cells, named)
        if not found:
            raise DataError(
                f"{path}: --columns {word}={named}: no such column. There are "
                f"{', '.join(cells.names)}; numbers count from 1, and data=4-11 names eight bytes"
            )
        role = ROLES[word]
        given |= dict.fromkeys(found, BYTE if role == DATA and len(found) > 1 else role)
    return given


def _columns_called(cells: Cells, named: str) -> list[int]:
    """Columns of a name, a number from 1, or a range of numbers."""
    same = [k for k, name in enumerate(cells.names) if plain(name) == plain(named)]
    exact = [k for k in same if cells.names[k] == named]
    if same:
        return (exact or same)[:1]
    numbers = _NUMBERS.fullmatch(named)
    if numbers is None:
        return []
    first, last = int(numbers[1]), int(numbers[2] or numbers[1])
    return list(range(first - 1, last)) if 1 <= first <= last <= len(cells.names) else []


FORMAT: Final = Format(
    name=TABLE,
    title="CSV with a header: columns by name and content, or by --columns",
    extensions=(".csv", ".tsv", ".txt"),
    sniff=sniff,
    read=read,
    order=5,
)
