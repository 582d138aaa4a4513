"""Columns that may be a label though they aren't called so: the user is asked, none is dropped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.paging import mapped
from can_train.frames.text.fields import LINE_FEED, trim
from can_train.frames.text.layout import RoledTable
from can_train.frames.text.lines import LINES, count_line_ends, cut
from can_train.frames.text.reading import in_lines
from can_train.frames.text.roles import (
    ATTACK_WORDS,
    BENIGN_WORDS,
    BINARY,
    IGNORED,
    LABEL,
    SURE_WORDS,
    is_harmless,
    plain,
)
from can_train.frames.text.table_text import split

_KINDS: Final = frozenset(
    "dos ddos flood flooding fuzzy fuzz fuzzing spoof spoofing replay masquerade impersonation "
    "injection suspension suppression tampering".split()
)
"""Kinds of attacks that stand in no column but a label."""

_OF_A_LABEL: Final = re.compile(r"\D*|\d{1,2}")
"""What a label may hold before the first attack: nothing, words or a small number; no date, address
or measured value."""

_QUOTE: Final = ord('"')
_RETURN: Final = ord("\r")
_TAB: Final = ord("\t")

_TOLD: Final = frozenset(
    "label labels attack attacks attacked anomaly anomalous malicious malign intrusion injected "
    "benign".split()
)
"""Words in the name of a label."""


def doubtful_columns(path: Path, table: RoledTable) -> dict[str, str]:
    """What columns hold that may be a label, where none is called one.

    Args:
        path: The file of the table.
        table: What its columns are, by its first lines.
    """
    if table.of(LABEL):
        return {}
    names = table.cells.names
    asked = [k for k in table.of(IGNORED) if not is_harmless(names[k])]
    found = {names[k]: held for k in asked if (held := _held(table, k))}
    still = {k: table.cells.values(k) for k in asked}
    alone = {k: next(iter(values)) for k, values in still.items() if len(values) == 1}
    constant = {k: value for k, value in alone.items() if _OF_A_LABEL.fullmatch(value)}
    return found or {names[k]: held for k, held in _later(path, table, constant).items()}


def _held(table: RoledTable, k: int) -> str | None:
    """What a column of the first lines holds that may be a label, in words."""
    values = table.cells.values(k)
    words = values - {""}
    told = _TOLD & set(plain(table.cells.names[k]).split("_"))
    if words and words <= BINARY:
        return "0 and 1 alone"
    sure = sorted(words & (_KINDS | (SURE_WORDS & {*ATTACK_WORDS})))
    two_of_them = len(values) == 2 and ("" in values or words & {*BENIGN_WORDS})
    if words and (told or sure or two_of_them):
        return _listed(sure[:1] or sorted(values)[:2])
    return None


def _later(path: Path, table: RoledTable, constant: dict[int, str]) -> dict[int, str]:
    """What columns that are constant in the first lines hold behind them, if it is something else.

    An attack may begin late.
    """
    if not constant:
        return {}
    data, separator = mapped(path), table.cells.separator
    begin = _behind_header(data, table.cells.header_line)
    found = {}
    for k, value in constant.items():
        at = begin
        for piece in in_lines(data[begin:]):
            other = _first_other(piece, separator, k, value)
            if other is not None:
                line = int(count_line_ends(data[: at + other[0]])) + 1
                found[k] = f"{_listed([value])} and, in line {line}, {_listed([other[1]])}"
                break
            at += len(piece)
    return found


def _behind_header(data: NDArray[np.uint8], header_line: int | None) -> int:
    """The first byte behind the header."""
    if header_line is None:
        return 0
    header = np.empty(header_line + 1, LINES)
    return cut(data, 0, 0, header).position


def _first_other(
    piece: NDArray[np.uint8], separator: str, k: int, value: str
) -> tuple[int, str] | None:
    """Where the first line with another value in the k-th cell begins, and that value."""
    lower, upper = (np.frombuffer(v.encode(), np.uint8) for v in (value, value.upper()))
    upper = upper if len(upper) == len(lower) else lower
    begin = 0
    while True:
        begin, end = _next_other(piece, begin, (ord(separator), k), lower, upper)
        if begin == end:
            return None
        line = piece[begin:end].tobytes().decode("utf-8", "replace").strip()
        cells = split(line, separator)
        known = line.startswith("#") or len(cells) < 2 or k >= len(cells)
        if not known and cells[k].lower() not in (value, ""):
            return begin, cells[k]
        begin = end


@compiled()
def _next_other(
    data: NDArray[np.uint8],
    begin: int,
    cell: tuple[int, int],
    lower: NDArray[np.uint8],
    upper: NDArray[np.uint8],
) -> tuple[int, int]:
    """Bounds of the next line that may hold something else in a cell: `split` has to tell.

    Args:
        data: Whole lines.
        begin: Where the first of them begins.
        cell: What stands between cells, and the number of the cell.
        lower: What it should hold if it isn't empty, in lower case.
        upper: The same in upper case.
    """
    while begin < len(data):
        start, stop, end, odd = _cell_at(data, begin, cell)
        start, stop = trim(data, start, stop)
        if start < stop - 1 and data[start] == _QUOTE:
            start, stop = trim(data, start + 1, stop - 1)
        same = stop - start == len(lower)
        if same:
            for j in range(len(lower)):
                same &= data[start + j] == lower[j] or data[start + j] == upper[j]
        if odd or (start < stop and not same):
            return begin, min(end + 1, len(data))
        begin = end + 1
    return len(data), len(data)


@compiled()
def _cell_at(
    data: NDArray[np.uint8], begin: int, cell: tuple[int, int]
) -> tuple[int, int, int, bool]:
    """Bounds of a cell of the line that begins there, quotes included, and the line's end.

    Last: whether quotes stand where `split` alone knows what they mean.
    """
    separator, wanted = cell
    number, start, stop, i, odd = 0, begin, begin, begin, False
    while i < len(data) and data[i] != LINE_FEED:
        if data[i] == separator:
            stop = i if number == wanted else stop
            number += 1
            start = i + 1 if number == wanted else start
        elif data[i] == _QUOTE:
            closing = _closing(data, i, separator)
            odd |= closing == i or separator == _TAB  # blanks before a quote may be tabs
            odd |= i > begin and data[i - 1] != separator
            i = closing
        i += 1
    if number < wanted:
        return begin, begin, i, odd
    return start, i if number == wanted else stop, i, odd


@compiled()
def _closing(data: NDArray[np.uint8], quote: int, separator: int) -> int:
    """The quote that closes a cell, or the opening one where none does."""
    at = quote + 1
    while at < len(data) and data[at] != _QUOTE and data[at] != LINE_FEED:
        at += 1
    if at == len(data) or data[at] == LINE_FEED:
        return quote
    behind = at + 1
    if behind < len(data) and data[behind] == separator:
        return at
    if behind < len(data) and data[behind] == _RETURN:
        behind += 1
    return at if behind == len(data) or data[behind] == LINE_FEED else quote


def _listed(words: list[str]) -> str:
    return " and ".join(repr(word) if word else "nothing" for word in words)
