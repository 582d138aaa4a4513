"""What all text formats share: cutting a text into lines, and what comes out of one line.

A format parses a batch of lines by a jitted function of its own, so that its parser of one line is
compiled into it and numba can keep both on disk (a parser that is handed over as an argument would
be compiled again by every process):

    @compiled()
    def parse(data, lines, payload):
        for k in range(len(lines)):
            put(lines, k, my_line(data, lines[k].start, lines[k].stop, payload[k]))

`my_line` takes the bounds of a line without line end and blanks around it and a zeroed payload [P],
and returns a `Line`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.fields import LINE_FEED, trim

FRAME: Final = 0
NO_FRAME: Final = 1
"""The line is well-formed but reports something else, such as a bus error."""
REMARK: Final = 2
"""The line says nothing about the bus: a comment, or part of a heading."""
ODD: Final = 3
"""The line was found, but isn't parsed yet."""
REQUEST: Final = 4
"""A remote frame: it asks for data and carries none."""

NO_BUS: Final = np.uint64(0)
WORD_BYTES: Final = 8
_BYTE_BITS: Final = np.uint64(8)
_PAIR_BITS: Final = np.uint64(16)
_TOP_BIT: Final = np.uint64(7)
_MOST_IN_A_BYTE: Final = 255
_PAIR: Final = np.uint64(0xFFFF)
_EVEN_BYTES: Final = np.uint64(0x00FF_00FF_00FF_00FF)
_LOW_BITS: Final = np.uint64(0x7F7F_7F7F_7F7F_7F7F)
_LINE_FEEDS: Final = np.uint64(0x0101_0101_0101_0101 * LINE_FEED)


class Line(NamedTuple):
    """What a format found in one line.

    Attributes:
        code: `FRAME`, `REQUEST`, `NO_FRAME`, `REMARK`, or the negative code of what is wrong.
        start: First byte of the field at fault, or of a frame's timestamp.
        stop: The byte behind it.
        timestamp: Seconds; NaN where only `float()` can tell.
        arbitration_id: As in `Frames`.
        dlc: Number of payload bytes.
        label: 0 benign, 1 attack.
        bus: Name of the bus (`bus_word`), 0 where the line tells none.
    """

    code: int
    start: int
    stop: int
    timestamp: float
    arbitration_id: int
    dlc: int
    label: int
    bus: np.uint64


LINES: Final = np.dtype(
    [
        ("number", np.int64),
        ("code", np.int64),
        ("start", np.int64),
        ("stop", np.int64),
        ("timestamp", np.float64),
        ("bus", np.uint64),
        ("arbitration_id", np.uint32),
        ("dlc", np.uint8),
        ("label", np.uint8),
    ],
    align=True,
)
"""A `Line` and its number in the file; until it is parsed, `start` and `stop` bound all of it.

A record array, since numba counts references to each array of a tuple, once per line and use.
"""


class Cut(NamedTuple):
    """How far a text was cut: lines found, the first byte and the line number behind them."""

    found: int
    position: int
    number: int


@compiled()
def count_line_ends(data: NDArray[np.uint8]) -> np.int64:
    """Number of line ends, eight bytes at a time."""
    words = data[: len(data) // WORD_BYTES * WORD_BYTES].view(np.uint64)
    count = np.int64(0)
    for begin in range(0, len(words), _MOST_IN_A_BYTE):
        in_each = np.uint64(0)  # the number of line ends in each of eight places, a byte each
        for k in range(begin, min(begin + _MOST_IN_A_BYTE, len(words))):
            other = words[k] ^ _LINE_FEEDS  # 0 in the place of a line end
            in_each += ~(((other & _LOW_BITS) + _LOW_BITS) | other | _LOW_BITS) >> _TOP_BIT
        pairs = (in_each & _EVEN_BYTES) + ((in_each >> _BYTE_BITS) & _EVEN_BYTES)
        for _ in range(WORD_BYTES // 2):
            count += np.int64(pairs & _PAIR)
            pairs >>= _PAIR_BITS
    for byte in data[len(words) * WORD_BYTES :]:
        count += byte == LINE_FEED
    return count


@compiled()
def cut(data: NDArray[np.uint8], position: int, number: int, lines: NDArray[np.void]) -> Cut:
    """Finds the next lines that aren't blank, as many as `lines` takes; they are `ODD`.

    Args:
        data: The text's bytes.
        position: First byte to look at.
        number: Number of the line before it.
        lines: Output [M], `LINES`: number and bounds of each line.
    """
    count = 0
    while position < len(data) and count < len(lines):
        number += 1
        position, count = cut_one(data, position, number, lines, count)
    return Cut(count, position, number)


@compiled()
def cut_one(
    data: NDArray[np.uint8], position: int, number: int, lines: NDArray[np.void], count: int
) -> tuple[int, int]:
    """Marks the next line as `ODD` behind `count` others unless it is blank.

    Returns:
        The byte behind it, and how many lines there are now.
    """
    end = position
    while end < len(data) and data[end] != LINE_FEED:
        end += 1
    start, stop = trim(data, position, end)
    if start == stop:
        return end + 1, count
    lines[count].code = ODD
    lines[count].number = number
    lines[count].start = start
    lines[count].stop = stop
    return end + 1, count + 1


@compiled()
def problem(code: int, start: int, stop: int) -> Line:
    """A line that isn't a frame: why, and the bounds of the field at fault."""
    return Line(code, start, stop, 0.0, 0, 0, 0, NO_BUS)


@compiled()
def put(lines: NDArray[np.void], k: int, line: Line) -> None:
    """Writes down what was found in the k-th line."""
    lines[k].code = line.code
    lines[k].start = line.start
    lines[k].stop = line.stop
    lines[k].timestamp = line.timestamp
    lines[k].arbitration_id = line.arbitration_id
    lines[k].dlc = line.dlc
    lines[k].label = line.label
    lines[k].bus = line.bus


@compiled()
def take_frames(  # noqa: PLR0913 - compiled: a record of the columns would be counted per line
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
    timestamps: NDArray[np.float64],
    ids: NDArray[np.uint32],
    dlcs: NDArray[np.uint8],
    payloads: NDArray[np.uint8],
    labels: NDArray[np.uint8],
) -> tuple[int, int]:
    """Copies what was read in lines into columns that have room for it.

    Args:
        lines: Parsed lines [M].
        payload: Their payloads [M, P].
        timestamps: Output, as all that follow.

    Returns:
        Number of frames, and how many of them are remote ones.
    """
    words, room = payload.view(np.uint64), payloads.view(np.uint64)
    count = remote = 0
    for k in range(len(lines)):
        if lines[k].code == FRAME or lines[k].code == REQUEST:
            remote += lines[k].code == REQUEST
            timestamps[count] = lines[k].timestamp
            ids[count] = lines[k].arbitration_id
            dlcs[count] = lines[k].dlc
            labels[count] = lines[k].label
            for word in range(words.shape[1]):
                room[count, word] = words[k, word]
            count += 1
    return count, remote


def are_frames(lines: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which parsed lines hold a frame, also one that asks for data [M]."""
    found: NDArray[np.bool_] = (lines["code"] == FRAME) | (lines["code"] == REQUEST)
    return found


@compiled()
def bus_word(data: NDArray[np.uint8], start: int, stop: int) -> np.uint64:
    """The last eight bytes of a bus's name, as a number that `bus_name` turns back."""
    word = NO_BUS
    for i in range(stop - 1, max(start, stop - WORD_BYTES) - 1, -1):
        word = (word << _BYTE_BITS) | np.uint64(data[i])
    return word


def bus_name(word: int) -> str:
    """Name behind a number of `bus_word`."""
    return word.to_bytes(WORD_BYTES, "little").rstrip(b"\0").decode("utf-8", "replace")
