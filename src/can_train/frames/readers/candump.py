"""candump: the log that `candump -l` of can-utils writes, with or without labels.

    (1674148739.212264) can0 112#FF0015
    (1674148739.212487) can1 18FEF200#0102030405060708 T
    (2023-01-19 17:18:59.212487) can0 112#FF.00.15 1

`(seconds) interface ID#PAYLOAD`, `ID##<flags>PAYLOAD` for CAN FD, `ID#R` for a remote frame; the
direction (R, T) at the end is written by newer versions only. Some datasets add a label, 0 or 1,
behind each frame, or behind attack frames alone. Lines that begin with `#` are remarks.
"""

from __future__ import annotations

import functools
import operator
import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.options import ReadOptions
from can_train.frames.paging import mapped
from can_train.frames.readers.registry import Format, Head
from can_train.frames.result import ReadResult
from can_train.frames.text.candump import (
    ATTACK,
    BAD_LAYOUT,
    BENIGN,
    FD,
    HASH,
    MESSAGES,
    NO_LABEL,
    is_remote,
    label_of,
    payload_of,
    survey,
)
from can_train.frames.text.canonical import (
    OTHER,
    bus_at,
    id_at,
    line_end_at,
    payload_at,
    seconds_at,
)
from can_train.frames.text.clock import parse_moment
from can_train.frames.text.fields import INT_EXTENDED_FLAG, find, is_blank, parse_id, trim
from can_train.frames.text.lines import (
    FRAME,
    NO_FRAME,
    REMARK,
    REQUEST,
    Line,
    bus_word,
    problem,
    put,
)
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES, TextLayout, in_lines, read_text
from can_train.frames.text.scanning import scan_by

_LINE: Final = re.compile(r"\([\d/: .T-]+\)\s+\S+\s+[0-9A-Fa-f]{3,8}#.*")
_EXTENDED_DIGITS: Final = 8
"""candump writes three digits for a standard ID and eight for an extended one."""
_ALL_LABELLED: Final = 0
"""What is constant in a text (`scanning`): whether each line has a label."""


def sniff(head: Head) -> int | None:
    """Number of the first line of the form `(seconds) interface ID#…`."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording; payloads are 64 bytes wide if any frame is CAN FD.

    Raises:
        DataError: A malformed line.
    """
    return read_text(path, layout_of(path), options)


def layout_of(path: Path) -> TextLayout:
    """How a file is written: with labels, and with CAN FD, if any of its frames is so."""
    found = functools.reduce(operator.or_, map(survey, in_lines(mapped(path))))
    labelled = bool(found & (BENIGN | ATTACK))
    return TextLayout(
        format=FORMAT.name,
        # Where benign frames have a label, a line without one was cut or is of another tool.
        parse=functools.partial(_parse, bool(found & BENIGN)),
        scan=functools.partial(_scan, np.array([found & BENIGN], np.int64)),
        messages=MESSAGES,
        labelled=labelled,
        payload_bytes=FD_BYTES if found & FD else CLASSIC_BYTES,
        understood=() if found & BENIGN or not labelled else (_ONLY_ATTACKS,),
    )


_ONLY_ATTACKS: Final = "label: 1 stands behind attack frames; frames without one are benign"


@compiled()
def _parse(
    all_labelled: bool,
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    for k in range(len(lines)):
        put(lines, k, _line(data, lines[k].start, lines[k].stop, payload[k], all_labelled))


@compiled()
def _usual_line(
    constants: NDArray[np.int64],
    data: NDArray[np.uint8],
    start: int,
    lines: NDArray[np.void],
    count: int,
    words: NDArray[np.uint64],
) -> int:
    """Reads `(seconds) interface ID#PAYLOAD`, with or without a label; the byte behind it."""
    if data[start] != ord("("):
        return OTHER
    seconds, close = seconds_at(data, start + 1)
    if close == OTHER or data[close] != ord(")") or data[close + 1] != ord(" "):
        return OTHER
    interface = close + 2
    bus, interface_end = bus_at(data, interface)
    if interface_end == OTHER or data[interface_end] != ord(" "):
        return OTHER
    arbitration_id, mark = id_at(data, interface_end + 1)
    if mark == OTHER or data[mark] != HASH:
        return OTHER
    if mark - interface_end - 1 == _EXTENDED_DIGITS:
        arbitration_id |= INT_EXTENDED_FLAG
    payload, end = payload_at(data, mark + 1)
    if end == OTHER:
        return OTHER
    dlc = (end - mark - 1) // 2
    label = 0
    if constants[_ALL_LABELLED]:
        label = int(data[end + 1]) - ord("0")
        if data[end] != ord(" ") or not 0 <= label <= 1:
            return OTHER
        end += 2
    end = line_end_at(data, end)
    if end != OTHER:
        words[count, 0] = payload
        put(lines, count, Line(FRAME, start + 1, close, seconds, arbitration_id, dlc, label, bus))
    return end


_scan: Final = scan_by(_usual_line)


@compiled()
def _line(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8], all_labelled: bool
) -> Line:
    if data[start] == HASH:
        return problem(REMARK, start, stop)
    close = find(data, start, stop, ord(")"))
    if data[start] != ord("(") or close == stop:
        return problem(BAD_LAYOUT, start, stop)
    interface, interface_end = _word(data, close + 1, stop)
    word, word_end = _word(data, interface_end, stop)
    mark = find(data, word, word_end, HASH)
    label = label_of(data, word_end, stop)
    if interface == interface_end or mark == word_end or label == BAD_LAYOUT:
        return problem(BAD_LAYOUT, start, stop)
    if label == NO_LABEL:
        if all_labelled:
            return problem(NO_LABEL, start, stop)
        label = 0
    extended = mark - word == _EXTENDED_DIGITS
    # CAN_ERR_FLAG (linux/can.h), bit 29: the "ID" is a class of bus error, no frame was sent.
    if extended and (data[word] == ord("2") or data[word] == ord("3")):
        return problem(NO_FRAME, word, mark)
    arbitration_id = parse_id(data, word, mark)
    if arbitration_id < 0:
        return problem(arbitration_id, word, mark)
    if extended:
        # An extended ID may be as small as a standard one: only the number of digits tells.
        arbitration_id |= INT_EXTENDED_FLAG
    dlc = payload_of(data, mark + 1, word_end, payload)
    if dlc < 0:
        return problem(dlc, mark + 1, word_end)
    time_start, time_stop = trim(data, start + 1, close)
    seconds = parse_moment(data, time_start, time_stop)
    bus = bus_word(data, interface, interface_end)
    code = REQUEST if is_remote(data, mark + 1, word_end) else FRAME
    return Line(code, time_start, time_stop, seconds, arbitration_id, dlc, label, bus)


@compiled()
def _word(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Bounds of the next run of non-blank bytes."""
    while start < stop and is_blank(data[start]):
        start += 1
    end = start
    while end < stop and not is_blank(data[end]):
        end += 1
    return start, end


FORMAT: Final = Format(
    name="candump",
    title="candump -l, with or without a label 0 or 1 behind each frame",
    extensions=(".log",),
    sniff=sniff,
    read=read,
    order=30,
)
