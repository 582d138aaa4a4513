"""BUSMASTER log.

    ***BUSMASTER Ver 2.4.0***
    ***START DATE AND TIME 23:9:2015 22:17:28:928***
    ***HEX***
    22:20:14:992 Rx 0 0000021A s 8 FE 36 12 FE 69 05 07 AD

Time of day, direction, channel, ID, s (standard) or x (extended), with r for remote frames, DLC and
bytes, which are decimal in a log that says ***DEC***.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.clock import DAY_S, days_since_1970
from can_train.frames.text.kinds import (
    EXTENDED_ID,
    EXTENDED_REMOTE,
    OTHER,
    STANDARD,
    STANDARD_REMOTE,
)
from can_train.frames.text.reading import TextLayout, read_text
from can_train.frames.text.roles import BUS, BYTE, DLC, ID, IGNORED, KIND, TIME
from can_train.frames.text.words import grammar, words_layout

_START: Final = "***BUSMASTER"
_DATE: Final = re.compile(r"\*\*\*START DATE AND TIME (\d{1,2}):(\d{1,2}):(\d{4})\s.*")
_ROLES: Final = (TIME, IGNORED, BUS, ID, KIND, DLC, BYTE)
_KINDS: Final = {
    "s": STANDARD,
    "x": EXTENDED_ID,
    "sr": STANDARD_REMOTE,
    "xr": EXTENDED_REMOTE,
}
_FORM: Final = "hh:mm:ss:mmm Rx channel ID s DLC bytes"


def sniff(head: Head) -> int | None:
    """Number of the line that names the tool."""
    return next((k for k, line in enumerate(head.lines) if line.startswith(_START)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: A malformed line.
    """
    lines = head_of(path).sample
    base = 10 if "***DEC***" in lines else 16
    how = grammar(kinds=_KINDS, unknown=OTHER, remark="*", base=base)
    layout = words_layout(FORMAT.name, _ROLES, how, _FORM)
    return read_text(path, _since_midnight(layout, lines), options)


def _since_midnight(layout: TextLayout, lines: tuple[str, ...]) -> TextLayout:
    """The layout with the day on which the log began, if the heading names it."""
    found = next((match for line in lines if (match := _DATE.fullmatch(line))), None)
    if found is None:
        return layout
    day, month, year = map(int, found.groups())
    return layout.starting_at(float(days_since_1970(year, month, day) * DAY_S))


FORMAT: Final = Format(
    name="busmaster",
    title="BUSMASTER log",
    extensions=(".log",),
    sniff=sniff,
    read=read,
    order=41,
)
