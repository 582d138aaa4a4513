"""Text of CAR BUS Analyzer (.trc, but not PEAK's).

    @ TEXT @ 2 @ 64 @ 0 @ 55 @ 10078 @ 00:00:10.078 @
    46,016	1	0004	45A	8	5A 04 00 00 00 00 00 00	00000000	Z

Seconds with a comma, channel, flags, ID, DLC, bytes, and what is of no use here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult
from can_train.frames.text.fields import COMMA
from can_train.frames.text.reading import read_text
from can_train.frames.text.roles import BUS, BYTE, DLC, ID, IGNORED, TIME
from can_train.frames.text.words import grammar, words_layout

_START: Final = "@ TEXT @"
_ROLES: Final = (TIME, BUS, IGNORED, ID, DLC, BYTE)
_FORM: Final = "seconds channel flags ID DLC bytes"


def sniff(head: Head) -> int | None:
    """Number of the heading."""
    return next((k for k, line in enumerate(head.lines) if line.startswith(_START)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: A malformed line.
    """
    how = grammar(remark="@", point=COMMA)
    layout = words_layout(FORMAT.name, _ROLES, how, _FORM)
    return read_text(path, layout, options)


FORMAT: Final = Format(
    name="carbus",
    title="CAR BUS Analyzer text",
    extensions=(".trc",),
    sniff=sniff,
    read=read,
    order=42,
)
