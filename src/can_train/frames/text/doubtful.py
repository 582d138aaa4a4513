"""Columns that may be a label though they aren't called so: the user is asked, none is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.frames.text.layout import RoledTable
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
    still = {k: _values(table, k) for k in asked}
    constant = {k: next(iter(values)) for k, values in still.items() if len(values) == 1}
    return found or {names[k]: held for k, held in _later(path, table, constant).items()}


def _values(table: RoledTable, k: int) -> set[str]:
    """What stands in a column in lower case, nothing among it."""
    return {(row[k] if k < len(row) else "").lower() for row in table.cells.rows}


def _held(table: RoledTable, k: int) -> str | None:
    """What a column of the first lines holds that may be a label, in words."""
    values = _values(table, k)
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
    found: dict[int, str] = {}
    if not constant:
        return found
    header, separator = table.cells.header_line, table.cells.separator
    known = len(table.cells.rows) + (0 if header is None else header + 1)
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            known -= bool(text)
            if known >= 0:
                continue
            cells = split(text, separator)
            for k in _differing(cells, constant):
                held, other = constant.pop(k), cells[k]
                found[k] = f"{_listed([held])} and, in line {number}, {_listed([other])}"
            if not constant:
                break
    return found


def _differing(cells: tuple[str, ...], constant: dict[int, str]) -> list[int]:
    """Columns of a line that hold something else than before."""
    if len(cells) < 2:
        return []
    return [
        k for k, value in constant.items() if k < len(cells) and cells[k].lower() not in (value, "")
    ]


def _listed(words: list[str]) -> str:
    return " and ".join(repr(word) if word else "nothing" for word in words)
