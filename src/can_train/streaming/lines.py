"""Frames from lines of `candump -L` as they come, such as through a pipe."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import compress
from select import select
from typing import Final

import numpy as np

from can_train.frames.frame import EXTENDED_FLAG, Frames
from can_train.frames.messages import padded

_LINE: Final = re.compile(
    rb"\s*\((\d+(?:\.\d+)?)\)\s+\S+\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    rb"(?:([0-9A-Fa-f]*)|#[0-9A-Fa-f]([0-9A-Fa-f]*)|R\d?)(?:\s.*)?"
)
_EXTENDED_DIGITS: Final = 8
"""candump writes three digits for a standard ID and eight for an extended one."""

_LOOK_S: Final = 0.2
_AT_ONCE: Final = 1 << 16
_LONGEST: Final = 4096
"""Bytes that may wait for the end of their line; a frame of CAN FD takes some 200."""

_EXTENDED: Final = int(EXTENDED_FLAG)


def frames_of_lines(descriptor: int, tell: Callable[[str], None], width: int) -> Iterator[Frames]:
    """The frames of all lines that have come, again and again, until the end.

    Args:
        descriptor: An open file.
        tell: Takes each line worth telling.
        width: Bytes of a payload (8, or 64 for CAN FD); frames with more are left out.
    """
    rest, odd = b"", 0
    while read := _read(descriptor):
        whole, _, rest = (rest + read).rpartition(b"\n")
        frames, more = _frames(whole, width)
        if len(rest) > _LONGEST:
            more, rest = more + (not rest.startswith(b"#")), b"#"  # its end is a remark
        odd = _counted(odd, more, tell)
        yield frames
    frames, more = _frames(rest, width)
    _counted(odd, more, tell)
    yield frames


def _read(descriptor: int) -> bytes:
    """What has come, at least a byte; none at the end. Signals to any thread are noticed."""
    while not select([descriptor], [], [], _LOOK_S)[0]:
        pass
    return os.read(descriptor, _AT_ONCE)


def _counted(odd: int, more: int, tell: Callable[[str], None]) -> int:
    """Tells of the first lines that are none, and gives their number."""
    if more and not odd:
        tell("standard input: leaves out lines that aren't of the form (seconds) bus ID#PAYLOAD")
    return odd + more


def _frames(text: bytes, width: int) -> tuple[Frames, int]:
    """The frames of whole lines, and how many lines are none."""
    lines = [line for line in text.split(b"\n") if line.strip() and not line.startswith(b"#")]
    found = [match for line in lines if (match := _LINE.fullmatch(line.rstrip())) is not None]
    digits = [match[3] or match[4] or b"" for match in found]
    stamps = np.array([float(match[1]) for match in found])
    fit = np.isfinite(stamps)
    fit &= np.array([len(d) % 2 == 0 and len(d) <= 2 * width for d in digits], bool)
    kept, payloads = list(compress(found, fit)), list(compress(digits, fit))
    dlc = np.array([len(each) // 2 for each in payloads], np.uint8)
    frames = Frames(
        timestamp=stamps[fit],
        arbitration_id=np.array([_identifier(match[2]) for match in kept], np.uint32),
        dlc=dlc,
        payload=padded(np.frombuffer(bytes.fromhex(b"".join(payloads).decode()), np.uint8), dlc),
        label=np.zeros(len(kept), np.uint8),
    )
    return frames.widened(width), len(lines) - len(kept)


def _identifier(digits: bytes) -> int:
    return int(digits, 16) | _EXTENDED * (len(digits) == _EXTENDED_DIGITS)
