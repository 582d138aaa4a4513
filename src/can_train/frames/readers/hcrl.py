"""HCRL: the survival TXT and the car-hacking CSV, without a header.

    1513920193.748043,00C5,8,30,00,00,00,30,00,00,00,R
    1478195721.905736,02b0,5,ff,7f,00,05,49,T

The last field that isn't empty is the flag: R (or Normal) for ordinary frames, T (or Attack) for
injected ones. Recordings of free driving have none, and blanks between the bytes.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import numpy as np

from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head, head_of
from can_train.frames.result import ReadResult
from can_train.frames.text.hcrl import MESSAGES, parse_hcrl, scan_hcrl
from can_train.frames.text.reading import TextLayout, read_text

_LINE: Final = re.compile(r"\d+\.\d+,\s*[0-9A-Fa-f]{3,8},\s*[0-8](,.*)?")
_FLAG: Final = re.compile(r".*,\s*(R|T|Normal|Attack)[\s,]*")


def sniff(head: Head) -> int | None:
    """Number of the first line of the form `seconds,ID,DLC…`."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording; whether it has flags is told by its first frame.

    Raises:
        DataError: A malformed line.
    """
    return read_text(path, layout_of(path), options)


def layout_of(path: Path) -> TextLayout:
    """How a file is written: with flags if its first frame has one."""
    sample = next((line for line in head_of(path).lines if _LINE.fullmatch(line)), "")
    flagged = not sample or _FLAG.fullmatch(sample) is not None
    return TextLayout(
        format=FORMAT.name,
        parse=functools.partial(parse_hcrl, flagged),
        scan=functools.partial(scan_hcrl, np.array([flagged], np.int64)),
        messages=MESSAGES,
        labelled=flagged,
    )


FORMAT: Final = Format(
    name="hcrl",
    title="HCRL survival TXT and car-hacking CSV: no header, the flag is the last field",
    extensions=(".txt", ".csv"),
    sniff=sniff,
    read=read,
    order=20,
)
