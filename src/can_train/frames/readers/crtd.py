"""CRTD, the log of Open Vehicles (OVMS).

    166.064000 R11 0000021A FE 36 12 FE 69 05 07 AD
    1542473901.020305 1R29 18FEF200 01 02
    166.064000 CXX a remark

Seconds, kind, ID and bytes: R received, T sent, 11 or 29 bits, with the bus in front. Kinds that
begin with C are remarks and events.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult
from can_train.frames.text.kinds import EXTENDED_ID, NOTHING, STANDARD
from can_train.frames.text.reading import read_text
from can_train.frames.text.roles import BYTE, ID, KIND, TIME
from can_train.frames.text.words import grammar, words_layout

_LINE: Final = re.compile(r"\d+\.\d+\s+\d?(C[A-Z]{2}|[RT](11|29)\s+[0-9A-Fa-f]+)(\s.*)?")
_ROLES: Final = (TIME, KIND, ID, BYTE)
_KINDS: Final = {"r11": STANDARD, "t11": STANDARD, "r29": EXTENDED_ID, "t29": EXTENDED_ID}
_FORM: Final = "seconds R11 ID bytes"


def sniff(head: Head) -> int | None:
    """Number of the first line of that form."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: A malformed line.
    """
    how = grammar(kinds=_KINDS, unknown=NOTHING)
    layout = words_layout(FORMAT.name, _ROLES, how, _FORM)
    return read_text(path, layout, options)


FORMAT: Final = Format(
    name="crtd",
    title="CRTD of Open Vehicles: seconds, R11 or R29, ID, bytes",
    extensions=(".crtd", ".txt"),
    sniff=sniff,
    read=read,
    order=40,
)
