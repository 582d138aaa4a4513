"""HCRL text with a word in front of each value: OTIDS, and `normal_run_data` of car-hacking.

    Timestamp: 1479121434.850202        ID: 0350    000    DLC: 8    05 28 84 66 6d 00 00 a2
    Timestamp: 1479121434.851302        ID: 0153    100    DLC: 0

The word behind the ID is 100 for a remote frame.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from can_train.frames.options import ReadOptions
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult
from can_train.frames.text.kinds import DATA_FRAME, REMOTE_FRAME
from can_train.frames.text.reading import TextLayout, read_text
from can_train.frames.text.roles import BYTE, DLC, ID, IGNORED, KIND, TIME
from can_train.frames.text.words import grammar, words_layout

_LINE: Final = re.compile(r"Timestamp:\s+\S+\s+ID:\s+[0-9A-Fa-f]+\s+\S+\s+DLC:\s+\d.*")
_ROLES: Final = (IGNORED, TIME, IGNORED, ID, KIND, IGNORED, DLC, BYTE)
_DATA: Final = "000"
_KINDS: Final = {_DATA: DATA_FRAME, "100": REMOTE_FRAME}
_FORM: Final = "Timestamp: seconds ID: ID 000 DLC: n bytes"


def sniff(head: Head) -> int | None:
    """Number of the first line of that form."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording.

    Raises:
        DataError: A malformed line.
    """
    return read_text(path, layout_of(path), options)


def layout_of(_path: Path) -> TextLayout:
    """How every such file is written."""
    how = grammar(kinds=_KINDS, unknown=DATA_FRAME, usual_kind=_DATA)
    return words_layout(FORMAT.name, _ROLES, how, _FORM)


FORMAT: Final = Format(
    name="otids",
    title="HCRL OTIDS and normal_run_data: Timestamp: … ID: … DLC: … bytes",
    extensions=(".txt",),
    sniff=sniff,
    read=read,
    order=21,
)
