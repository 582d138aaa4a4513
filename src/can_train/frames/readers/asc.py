"""Vector ASCII log (ASC), decoded by python-can.

    date Sat Dec 07 22:01:36.750 2024
    base hex  timestamps absolute
     0.000000 1  316             Rx   d 8 05 00 00 00 00 20 00 7F

Its times are seconds since the log began.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.frames.messages import read_messages
from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult

_HEADING: Final = re.compile(
    r"date .*|base\s+(hex|dec)\s+timestamps\s+(absolute|relative)|// version [\d.]+|"
    r"begin trigger ?block.*",
    re.IGNORECASE,
)


def sniff(head: Head) -> int | None:
    """Number of the first line that only a heading of an ASC file has."""
    return next((k for k, line in enumerate(head.lines) if _HEADING.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: python-can isn't installed, or the file is damaged.
    """
    return read_messages(path, options, format=FORMAT.name, reader="ASCReader", opened="text")


FORMAT: Final = Format(
    name="asc",
    title="Vector ASCII log (ASC), by python-can",
    extensions=(".asc",),
    sniff=sniff,
    read=read,
    order=50,
)
