"""A table as text: where its header stands, and the cells of its first lines (stdlib only)."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import repeat, zip_longest
from typing import Final

from can_train.frames.text.roles import BYTE, DATA, ID, TIME, plain, role_of

SEPARATORS: Final = (";", "\t", ",", "|")
_LINES_LOOKED_AT: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A table as text.

    Attributes:
        separator: Between cells.
        header_line: Number of its header among the lines that aren't blank, or None.
        names: Name of each column; numbers from 1 where there is no header.
        columns: Cells of the first lines behind the header, by column; empty where a line has none.
    """

    separator: str
    header_line: int | None
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]

    def column(self, k: int) -> tuple[str, ...]:
        """What stands in the k-th column, empty cells left out."""
        return tuple(filter(None, self.columns[k])) if k < len(self.columns) else ()

    def values(self, k: int) -> set[str]:
        """What stands in the k-th column in lower case, nothing among it."""
        if k >= len(self.columns):
            return {""} if self.columns else set()
        return {text.lower() for text in set(self.columns[k])}


def cells_of(lines: Sequence[str], named: Set[str] = frozenset()) -> Cells | None:
    """The table in some lines; None without a header.

    Args:
        lines: The lines.
        named: Columns that the user named, plain: a line that has them all is the header, too.
    """
    best: tuple[int, str, tuple[str, ...]] | None = None
    for number, line in enumerate(lines):
        for separator in SEPARATORS:
            names = split(line, separator)
            if is_header(names, of=3) or (named and named <= set(map(plain, names))):
                return _with_rows(lines, separator, number, names)
            # A line before the header may hold some of its words.
            if best is None and is_header(names):
                best = number, separator, names
    return _with_rows(lines, best[1], best[0], best[2]) if best else None


def headless_cells(lines: Sequence[str]) -> Cells:
    """A table whose columns are called by their numbers, or by a first line without any number."""
    first = lines[0] if lines else ""
    separator = max(SEPARATORS, key=first.count)
    names = split(first, separator)
    if not any(name[:1].isdecimal() for name in names):
        return _with_rows(lines, separator, 0, names)
    numbers = tuple(str(k + 1) for k in range(len(names)))
    return _with_rows(lines, separator, None, numbers)


def _with_rows(
    lines: Sequence[str], separator: str, header_line: int | None, names: tuple[str, ...]
) -> Cells:
    begin = 0 if header_line is None else header_line + 1
    behind = list(lines[begin : begin + _LINES_LOOKED_AT])
    if "\n#" in "\n".join(["", *behind]):
        behind = [line for line in behind if not line.startswith("#")]
    return Cells(
        separator=separator,
        header_line=header_line,
        names=names,
        columns=_columns_of(behind, separator),
    )


def _columns_of(lines: list[str], separator: str) -> tuple[tuple[str, ...], ...]:
    """Cells by column; at once where lines have as many and nothing has to be taken off."""
    text, counts = "\n".join(lines), set(map(str.count, lines, repeat(separator)))
    if len(counts) == 1 and '"' not in text and text.split() == lines:
        count = 1 + counts.pop()
        cells = separator.join(lines).split(separator)
        return tuple(tuple(cells[k::count]) for k in range(count))
    return tuple(zip_longest(*(split(line, separator) for line in lines), fillvalue=""))


def split(line: str, separator: str) -> tuple[str, ...]:
    """Cells of a line without quotes and blanks; a separator between quotes counts as text."""
    if '"' in line:
        found = re.findall(rf'\s*("[^"]*"|[^{re.escape(separator)}]*)(?:{re.escape(separator)}|$)',
                           line)  # fmt: skip
        return tuple(text.strip().strip('"').strip() for text in found[: max(len(found) - 1, 1)])
    return tuple(map(str.strip, line.split(separator)))


def is_header(names: Sequence[str], of: int = 2) -> bool:
    """Whether so many of time, ID and payload are named."""
    if len(names) < 2:
        return False
    found = {DATA if role == BYTE else role for role in map(role_of, names)}
    return len(found & {TIME, ID, DATA}) >= of
