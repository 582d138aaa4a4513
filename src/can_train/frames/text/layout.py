"""What the columns of a table are and how their cells are written, told by its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from can_train.frames.text.cells import BASE64, DECIMAL_BYTES, HEX_TEXT
from can_train.frames.text.fields import COMMA
from can_train.frames.text.roled import WIDE_DIGITS, How
from can_train.frames.text.roles import (
    ATTACK_WORDS,
    BENIGN_WORDS,
    BINARY,
    BUS,
    BYTE,
    DATA,
    DLC,
    EXTENDED,
    FLAGS,
    ID,
    IGNORED,
    LABEL,
    SURE_WORDS,
    TIME,
    plain,
    role_of,
    units_per_s,
)
from can_train.frames.text.table_text import Cells

_CLASSIC_DIGITS: Final = 16
_LARGEST_STANDARD: Final = 0x7FF
_HEX_LETTER: Final = re.compile(r"0[xX]|[A-Fa-f]")
_BYTES_APART: Final = re.compile(r"[ .:_-]+")
_HEX: Final = re.compile(r"(0[xX])?[0-9A-Fa-f]*")
_HEX_DIGITS: Final = re.compile(r"[0-9A-Fa-f]*")
_SIXTY_FOUR: Final = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_ENCODINGS: Final = {HEX_TEXT: "hexadecimal", BASE64: "base64", DECIMAL_BYTES: "decimal bytes"}
_CLX000: Final = frozenset({"timestamp", "type", "id", "data"})
"""Columns of the CLX000 loggers, whose type is 1 for an extended ID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoledTable:
    """A table and what its columns are.

    Attributes:
        cells: Its text.
        roles: Role of each column.
        units_per_s: What its timestamps count.
    """

    cells: Cells
    roles: tuple[int, ...]
    units_per_s: float

    def of(self, *roles: int) -> list[int]:
        """Columns with one of these roles."""
        return [k for k, role in enumerate(self.roles) if role in roles]

    def values(self, *roles: int) -> list[str]:
        """What stands in columns of these roles."""
        return [text for k in self.of(*roles) for text in self.cells.column(k)]

    @property
    def how(self) -> How:
        """How its cells are written."""
        ids, bytes_ = self.values(ID), self.of(BYTE)
        separator = self.cells.separator
        comma = separator != "," and _have_decimal_comma(self.values(TIME))
        return How(
            separator=ord(separator),
            point=COMMA if comma else ord("."),
            id_base=10 if _are_decimal_ids(ids) else 16,
            wide_is_extended=int(len({size >= WIDE_DIGITS for size in set(map(len, ids))}) == 2),
            large_id_is_error=0,
            payload=_encoding(self.values(DATA)),
            byte_base=10 if _are_decimal_bytes(self.values(BYTE)) else 16,
            bytes_end=max(bytes_, default=-1) + 1,
            byte_columns=len(bytes_) if bytes_ else 0,
        )

    @property
    def is_fd(self) -> bool:
        """Whether frames of more than eight bytes are among the first ones, or have columns."""
        longest = max((len(_BYTES_APART.sub("", text)) for text in self.values(DATA)), default=0)
        return len(self.of(BYTE)) > 8 or longest > _CLASSIC_DIGITS + 2

    def understood(self) -> tuple[str, ...]:
        """A line per role, and one with the columns that play none."""
        how, named = self.how, self._named
        unit = {1.0: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
        base = "decimal" if how.id_base == 10 else "hexadecimal"
        lines = [f"time: {named(TIME)}, {unit[self.units_per_s]}", f"id: {named(ID)}, {base}"]
        if self.of(DATA):
            lines.append(f"data: {named(DATA)}, {_ENCODINGS[how.payload]}")
        else:
            base = "decimal" if how.byte_base == 10 else "hexadecimal"
            lines.append(f"data: {named(BYTE)}, {base}")
        others = {DLC: "dlc", EXTENDED: "extended", BUS: "bus", LABEL: "label", FLAGS: "flags"}
        lines += [f"{word}: {named(role)}" for role, word in others.items() if self.of(role)]
        if self.of(IGNORED):
            lines.append(f"not used: {named(IGNORED)}")
        return tuple(lines)

    def _named(self, role: int) -> str:
        return ", ".join(self.cells.names[k] or f"column {k + 1}" for k in self.of(role))


def table_of(cells: Cells, given: Mapping[int, int], taken: frozenset[int]) -> RoledTable:
    """What the columns are.

    Args:
        cells: The table.
        given: Role of columns that the user named.
        taken: Roles that the user gave away; no other column gets them (`DATA` for bytes, too).
    """
    roles = [given.get(k, IGNORED) for k in range(len(cells.names))]
    for k, name in enumerate(cells.names):
        role = role_of(name) if cells.header_line is not None else IGNORED
        if k not in given and (DATA if role == BYTE else role) not in taken:
            roles[k] = role
    if set(map(plain, cells.names)) >= _CLX000:
        roles[[plain(name) for name in cells.names].index("type")] = EXTENDED
    _keep_one(roles, cells, given)
    for k in range(len(roles)):
        if roles[k] == IGNORED and LABEL not in taken and _says_label(cells, k):
            roles[k] = LABEL
    time = roles.index(TIME) if TIME in roles else None
    units = None if time is None else _units(cells, roles, time)
    return RoledTable(cells=cells, roles=tuple(roles), units_per_s=units or 1.0)


def _keep_one(roles: list[int], cells: Cells, given: Mapping[int, int]) -> None:
    """Of several columns that could be the same, the first stays; one payload, not two."""
    for role in (TIME, ID, DLC, DATA, EXTENDED, BUS):
        columns = [k for k, found in enumerate(roles) if found == role and cells.column(k)]
        for k in columns[1:]:
            if k not in given:
                roles[k] = IGNORED
    if DATA in roles:
        roles[:] = [IGNORED if role == BYTE else role for role in roles]
    for k, role in enumerate(roles):
        if role == FLAGS and k not in given and not _are_kvaser_flags(_words(cells, k)):
            roles[k] = IGNORED
        is_format = role == EXTENDED and plain(cells.names[k]) == "format"
        if is_format and not _words(cells, k) & {"ext", "std"}:
            roles[k] = IGNORED


def _words(cells: Cells, k: int) -> set[str]:
    """What stands in a column, in lower case."""
    return {text.lower() for text in set(cells.column(k))}


def _are_kvaser_flags(words: set[str]) -> bool:
    """Whether flags are numbers, and more than the 0 and 1 of a label."""
    return bool(words - BINARY) and all(word.isdecimal() for word in words)


def _says_label(cells: Cells, k: int) -> bool:
    """Whether a column holds words like Normal and Attack, whatever its name is."""
    words = _words(cells, k)
    return bool(words) and words <= {*BENIGN_WORDS, *ATTACK_WORDS} and bool(words & SURE_WORDS)


def _units(cells: Cells, roles: Sequence[int], time: int) -> float | None:
    """Units of a timestamp by its name; GVRET's `Time Stamp` is whole microseconds."""
    name = cells.names[time]
    is_gvret = plain(name) == "time_stamp" and {DLC, BYTE} <= set(roles)
    if is_gvret and all(text.isdecimal() for text in cells.column(time)):
        return 1e6
    return units_per_s(name)


def _have_decimal_comma(times: Sequence[str]) -> bool:
    """Whether more timestamps are written with a comma than with a point: one is a slip."""
    return sum("," in text for text in times) > sum("." in text for text in times)


def _are_decimal_ids(texts: Sequence[str]) -> bool:
    """Whether IDs are decimal: digits alone, never padded, and too large for hex ones.

    1743 in hex would be a 29-bit ID that was written with four digits.
    """
    if not texts or any(_HEX_LETTER.search(text) for text in texts):
        return False
    numbers = [text.removesuffix(".0") for text in texts]
    if not all(text.isdecimal() for text in numbers):
        return False
    padded = any(len(text) > 1 and text.startswith("0") for text in numbers)
    wide = any(len(text) > WIDE_DIGITS for text in numbers)
    return wide or (
        not padded
        and all(int(text) <= _LARGEST_STANDARD for text in numbers)
        and any(int(text, 16) > _LARGEST_STANDARD for text in numbers)
    )


def _are_decimal_bytes(texts: Iterable[str]) -> bool:
    """Whether bytes are decimal: digits alone, and not two of them each."""
    numbers = [text.removesuffix(".0") for text in texts]
    return (
        bool(numbers) and all(n.isdecimal() for n in numbers) and any(len(n) != 2 for n in numbers)
    )


def _encoding(texts: Sequence[str]) -> int:
    if _HEX_DIGITS.fullmatch("".join(texts)):  # at once; below, one text after the other
        return HEX_TEXT
    in_hex = sum(1 for text in texts if _HEX.fullmatch(text))
    if 2 * in_hex < len(texts) and all(map(_SIXTY_FOUR.fullmatch, texts)):
        return BASE64
    if not any(map(_BYTES_APART.search, texts)):
        return HEX_TEXT
    parts = [part for text in texts for part in _BYTES_APART.split(text) if part]
    apart = len(parts) > len(texts)
    return DECIMAL_BYTES if apart and _are_decimal_bytes(parts) else HEX_TEXT
