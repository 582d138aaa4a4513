"""What `candump` prints to a terminal, with time stamps.

     (1600000000.000156)  can0  6CF   [8]  00 52 01 B9 5F 5D DB 6D
     (000.000276)  can0  18FEE000   [8]  0F 00 00 00 24 96 35 00
     (000.000300)  can0  RX - -  123   [0]  remote request

Eight digits are an extended ID, three a standard one; `candump -x` adds direction and flags.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.errors import DataError
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.reading import TextLayout, read_text
from can_train.frames.text.roles import BUS, BYTE, DLC, ID, IGNORED, TIME
from can_train.frames.text.words import grammar, words_layout

_LINE: Final = re.compile(
    r"(?P<time>\([\d/: .T-]+\)\s+)?\S+\s+(?P<flags>[RT]X\s+\S\s+\S\s+)?"
    r"[0-9A-Fa-f]{3,8}\s+\[(?P<dlc>\d{1,2})\](\s.*)?"
)
_FORM: Final = "(seconds)  interface  ID  [length]  bytes"


def sniff(head: Head) -> int | None:
    """Number of the first line of that form."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: It has no time stamps, or a line is malformed.
    """
    return read_text(path, layout_of(path), options)


def layout_of(path: Path) -> TextLayout:
    """How a file is written, by its first frames: with flags, with CAN FD.

    Raises:
        DataError: It has no time stamps.
    """
    lines = [found for line in head_of(path).sample if (found := _LINE.fullmatch(line))]
    if lines and not lines[0]["time"]:
        raise DataError(
            f"{path}: no time stamps. Record them: candump -L can0 > drive.log, or candump -ta can0"
        )
    flags = (IGNORED,) * 3 if lines and lines[0]["flags"] else ()
    roles = (TIME, BUS, *flags, ID, DLC, BYTE)
    return words_layout(
        FORMAT.name,
        roles,
        grammar(wide_is_extended=1),
        _FORM,
        fd=any(len(found["dlc"]) > 1 for found in lines),
    )


FORMAT: Final = Format(
    name="candump-console",
    title="what candump prints to a terminal with -ta, -td or -tz",
    extensions=(".log", ".txt"),
    sniff=sniff,
    read=read,
    order=31,
)
