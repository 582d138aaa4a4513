"""The fast pass over a text: one loop, compiled for each function that reads a usual line."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import borrowed, compiled
from can_train.frames.text.canonical import LONGEST, OTHER
from can_train.frames.text.lines import Cut, cut_one

UsualLine: TypeAlias = Callable[
    [NDArray[np.int64], NDArray[np.uint8], int, NDArray[np.void], int, NDArray[np.uint64]], int
]
"""Reads a line of the usual form; gives the byte behind it, or `OTHER` for any other line. Takes

what is constant in a text [C], the text's bytes, the line's first byte, lines and the number of the
one to fill, and payloads as words [M, P / 8].
"""

_Scan: TypeAlias = Callable[
    [NDArray[np.int64], NDArray[np.uint8], int, int, NDArray[np.void], NDArray[np.uint8]], Cut
]

_usual_line: UsualLine
"""Is there in the copies alone."""


def scan_by(usual_line: UsualLine) -> _Scan:
    """A fast pass (see `reading.TextLayout.scan`) behind what is constant in a text.

    Each is a copy of the loop with a global of its own: numba keeps no function on disk that is
    handed another one, and LLVM puts this one into the loop.

    Args:
        usual_line: A compiled function.
    """
    loop = FunctionType(_scan.__code__, {**globals(), "_usual_line": usual_line})
    loop.__module__ = usual_line.__module__
    loop.__qualname__ = f"scan_{usual_line.__module__.rpartition('.')[2]}"  # names its file
    return compiled()(loop)


def _scan(
    constants: NDArray[np.int64],
    data: NDArray[np.uint8],
    position: int,
    number: int,
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> Cut:
    constants, data = borrowed(constants), borrowed(data)
    lines, payload = borrowed(lines), borrowed(payload)
    count = 0
    words = borrowed(payload.view(np.uint64))
    safe = len(data) - LONGEST
    while position < len(data) and count < len(lines):
        number += 1
        end = OTHER
        if position <= safe:
            end = _usual_line(constants, data, position, lines, count, words)  # noqa: F821 - above
        if end == OTHER:
            position, count = cut_one(data, position, number, lines, count)
        else:
            lines[count].number = number
            position = end
            count += 1
    return Cut(count, position, number)
