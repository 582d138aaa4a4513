"""Tables for people: the same lines everywhere, and on a terminal only the columns that fit.

What one would copy is never cut: the columns with the highest `drop` go first, those with none
stay at any width, and where a last column of prose is too long, it goes on below itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

GAP: Final = "  "
"""Between two columns."""

LEAST_PROSE: Final = 24
"""Room that is kept for the last column, which may be prose."""

_LATEX: Final = str.maketrans({
    **{letter: f"\\{letter}" for letter in "&%_#$"}, "\\": r"\textbackslash{}",
    "{": r"\{", "}": r"\}", "[": "{[}", "]": "{]}", "*": "{*}", "±": r"$\pm$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "|": r"$|$",
})  # fmt: skip
"""What LaTeX takes for a command, or sets as another sign; [ and * are one behind a line's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column of a table.

    Attributes:
        title: What stands above it.
        drop: On a terminal that is too narrow those with the highest number go first; 0 stays.
        right: Whether its cells end at the same place, as numbers do.
    """

    title: str
    drop: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a table.

    Attributes:
        cells: One per column, or a single one: a heading above the rows that follow.
        style: How a terminal shows it, in rich's words.
        notes: Text below it, which is never cut.
    """

    cells: tuple[str, ...]
    style: str = ""
    notes: tuple[str, ...] = ()


Header = Sequence[TableColumn | str]
Rows = Iterable[TableRow | Sequence[str]]


def write_table(out: TextIO, header: Header, rows: Rows) -> tuple[str, ...]:
    """Writes `rows` under `header`: all columns into a file, those that fit on a terminal.

    Returns:
        Titles of the columns for which there was no room.
    """
    columns = [TableColumn(title=item) if isinstance(item, str) else item for item in header]
    lines = [row if isinstance(row, TableRow) else TableRow(cells=tuple(row)) for row in rows]
    if not out.isatty():
        out.writelines(f"{text}\n" for text, _ in table_lines(columns, lines))
        return ()
    from rich.console import Console

    console = Console(file=out, highlight=False)
    for text, style in table_lines(columns, lines, console.width):
        console.print(text, style=style or None, markup=False, soft_wrap=True)
    return dropped(columns, lines, console.width)


def write_lines(out: TextIO, lines: Iterable[str]) -> None:
    """Writes prose, whose lines go on below themselves on a terminal that is too narrow."""
    if not out.isatty():
        out.writelines(f"{line}\n" for line in lines)
        return
    from rich.console import Console

    width = Console(file=out).width
    for line in lines:
        parts = textwrap.wrap(
            line, width, subsequent_indent=GAP, break_long_words=False, break_on_hyphens=False
        )
        out.writelines(f"{part}\n" for part in parts or [""])


def table_lines(
    columns: Sequence[TableColumn], lines: Sequence[TableRow], width: int | None = None
) -> list[tuple[str, str]]:
    """Text and style of each line of a table, its header first.

    Args:
        columns: Its columns.
        lines: Its rows.
        width: Characters that there is room for; None: any number.
    """
    full = [line for line in lines if len(line.cells) == len(columns)]
    widths = [max(map(len, cells)) for cells in _by_column(columns, full)]
    kept = _kept(columns, full, widths, width)
    used = [columns[i] for i in kept]
    room = [widths[i] for i in kept]
    shown = [(_text([column.title for column in used], used, room), "bold")]
    for line in lines:
        if len(line.cells) < len(columns):
            shown.append((line.cells[0], line.style))
            continue
        cells = [line.cells[i] for i in kept]
        shown += [(text, line.style) for text in _wrapped(cells, used, room, width)]
        shown += [(f"{GAP}{note}", "") for note in line.notes]
    return shown


def dropped(
    columns: Sequence[TableColumn], lines: Sequence[TableRow], width: int
) -> tuple[str, ...]:
    """Titles of the columns that say something and for which there is no room.

    Args:
        columns: Those of the table.
        lines: Its rows.
        width: Characters that there is room for.
    """
    full = [line for line in lines if len(line.cells) == len(columns)]
    widths = [max(map(len, cells)) for cells in _by_column(columns, full)]
    kept = _kept(columns, full, widths, width)
    said = [i for i in range(len(columns)) if any(line.cells[i] for line in full)]
    return tuple(columns[i].title for i in said if i not in kept)


def _by_column(
    columns: Sequence[TableColumn], lines: Sequence[TableRow]
) -> Iterable[tuple[str, ...]]:
    return zip([column.title for column in columns], *(line.cells for line in lines), strict=True)


def _kept(
    columns: Sequence[TableColumn],
    lines: Sequence[TableRow],
    widths: Sequence[int],
    width: int | None,
) -> list[int]:
    """Indices of the columns that are shown."""
    kept = list(range(len(columns)))
    if width is None:
        return kept
    if lines:
        kept = [i for i in kept if not columns[i].drop or any(line.cells[i] for line in lines)]
    needed = [*widths[:-1], min(widths[-1], LEAST_PROSE)]
    for index in sorted(kept, key=lambda i: -columns[i].drop):
        if not columns[index].drop or _width(needed[i] for i in kept) <= width:
            break
        kept.remove(index)
    return kept


def _width(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + len(GAP) * (len(found) - 1)


def _text(cells: Sequence[str], columns: Sequence[TableColumn], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )
    return GAP.join(padded).rstrip()


def _wrapped(
    cells: Sequence[str], columns: Sequence[TableColumn], widths: Sequence[int], width: int | None
) -> list[str]:
    """A row, whose last cell goes on below itself where it is too long for the line."""
    before = _width(widths[:-1]) + len(GAP)
    room = None if width is None else width - before
    if room is None or len(cells) < 2 or room < LEAST_PROSE or len(cells[-1]) <= room:
        return [_text(cells, columns, widths)]
    first, *rest = textwrap.wrap(cells[-1], room, break_long_words=False, break_on_hyphens=False)
    return [_text([*cells[:-1], first], columns, widths), *(" " * before + part for part in rest)]


def latex_line(cells: Sequence[str]) -> str:
    """A row of a LaTeX table, in which every letter stands for itself."""
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"
