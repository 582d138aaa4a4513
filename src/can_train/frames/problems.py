"""Malformed lines of a text: whether they may be left out, and how they are told (stdlib only)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.errors import DataError, counted

LENIENT_SHARE: Final = 0.01
"""Share of a file's lines that `--lenient` leaves out unless it names another."""

MOST_PROBLEMS_SHOWN: Final = 10

_ENOUGH_TO_BE_THE_FORMAT: Final = 10
"""A fault of fewer lines says nothing about the format, even if the file has no others."""

_BETWEEN_FIELDS: Final = re.compile(r"[\s,;]+")
_ATTACK_WORDS: Final = frozenset({"1", "t", "true", "attack", "anomaly", "injected"})
"""What stands in a line's label field if its frame is an attack, in lower case."""

_BENIGN_WORDS: Final = frozenset({"r", "normal", "benign", "false"})
_HEX: Final = re.compile(r"[0-9a-f]*")
"""What is no number and no word for benign frames is a kind of attack where labels stand."""

_DIRECTION: Final = "t"
"""At the end of a line without labels: the frame was transmitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblems:
    """The malformed lines of one file.

    Attributes:
        first: The first of them, as `file:line: what`.
        count: How many there are.
        lines: Lines of the file that aren't blank, malformed or not.
        attacks: How many of them carry an attack label.
        commonest: How many have the fault that most of them have.
    """

    first: tuple[str, ...]
    count: int
    lines: int
    attacks: int
    commonest: int

    def most(self, share: float) -> int:
        """How many of the lines may be left out where `share` of them may; one may always be."""
        return max(1, math.floor(share * self.lines)) if share > 0 else 0


def carries_attack(line: str, *, labelled: bool, label_field: int = -1) -> bool:
    """Whether a malformed line says that its frame is an attack.

    Args:
        line: All of it.
        labelled: Whether lines that are whole hold labels.
        label_field: Field that holds the label where the line is whole. Since it isn't, its last
            word that isn't empty counts as well.
    """
    words = [word for word in _BETWEEN_FIELDS.split(line) if word]
    fields = [field.strip(' \t"') for field in re.split("[,;]", line)]
    label = [field.lower() for field in fields[label_field : label_field + 1]]
    said = {*label, *(word.strip('"').lower() for word in words[-1:])} & _ATTACK_WORDS
    kinds = [word for word in label if word not in _BENIGN_WORDS and not _HEX.fullmatch(word)]
    return bool(said or kinds) if labelled else bool(said - {_DIRECTION})


def refuse_problems(path: Path, found: LineProblems, lenient: float) -> None:
    """Ends reading if there are malformed lines that may not be left out.

    Args:
        path: The recording.
        found: Its malformed lines.
        lenient: Share of the lines that may be left out; 0: none.

    Raises:
        DataError: There are more, or some carry an attack label: what a detector has to find is
            never dropped.
    """
    if found.count == 0 or (found.count <= found.most(lenient) and found.attacks == 0):
        return
    more = found.count - len(found.first)
    told = list(found.first)
    if more:
        told.append(f"{path}: {more} more malformed lines")
    raise DataError("\n".join([*told, _advice(found, lenient)]))


def _advice(found: LineProblems, lenient: float) -> str:
    """What to do; `--lenient` is no way out of a wrong format, and never drops an attack."""
    if found.commonest >= max(_ENOUGH_TO_BE_THE_FORMAT, found.lines / 2):
        return (
            f"{found.commonest:,} of {found.lines:,} lines have the same fault, so the file isn't "
            f"of this format. Name another one with --format, or bring the lines into this one"
        )
    if found.attacks:
        return (
            f"an attack label on {found.attacks:,} of {counted(found.count, 'malformed line')}: "
            "such lines are never left out. Mend the file"
        )
    if found.count <= found.most(LENIENT_SHARE):
        return "Mend the file, or leave such lines out with --lenient"
    share = math.ceil(1000 * found.count / found.lines) / 1000
    allowed = f", more than the {lenient or LENIENT_SHARE:.1%} that --lenient may leave out"
    return (
        f"malformed: {found.count:,} of {counted(found.lines, 'line')}{allowed}. Mend the file, or "
        f"allow it with --lenient={share:g}"
    )
