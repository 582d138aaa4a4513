"""candump: the log that `candump -l` of can-utils writes. It carries no labels.

    (1674148739.212264) can0 112#FF0015
    (1674148739.212487) can1 18FEF200#0102030405060708 T

`(seconds) interface ID#PAYLOAD`, `ID##<flags>PAYLOAD` for CAN FD, `ID#R` for a remote frame; the
direction (R, T) at the end is written by newer versions only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.readers.registry import Format, Head, ReadOptions
from can_train.frames.result import ReadResult
from can_train.frames.text.fields import (
    BAD_PAYLOAD,
    INT_EXTENDED_FLAG,
    PAYLOAD_TOO_LONG,
    find,
    is_blank,
    parse_id,
    parse_payload,
    parse_time,
    trim,
)
from can_train.frames.text.lines import FRAME, NO_FRAME, Line, problem, put
from can_train.frames.text.reading import (
    CLASSIC_BYTES,
    FD_BYTES,
    OWN_CODES,
    TextLayout,
    mapped,
    read_text,
)

BAD_LAYOUT: Final = OWN_CODES
BAD_FD_LENGTH: Final = OWN_CODES - 1
_MESSAGES: Final = {
    BAD_LAYOUT: "not of the form (seconds) interface ID#PAYLOAD",
    BAD_FD_LENGTH: "CAN FD payload isn't 0-8, 12, 16, 20, 24, 32, 48 or 64 bytes",
}

_LINE: Final = re.compile(r"\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]{3,8}#.*")
_HASH: Final = ord("#")
_EXTENDED_DIGITS: Final = 8
"""candump writes three digits for a standard ID and eight for an extended one."""


def sniff(head: Head) -> int | None:
    """Number of the first line of the form `(seconds) interface ID#…`."""
    return next((k for k, line in enumerate(head.lines) if _LINE.fullmatch(line)), None)


def read(path: Path, options: ReadOptions) -> ReadResult:
    """Reads one recording; payloads are 64 bytes wide if any frame is CAN FD.

    Raises:
        DataError: A malformed line.
    """
    layout = TextLayout(
        format=FORMAT.name,
        parse=_parse,
        messages=_MESSAGES,
        labelled=False,
        payload_bytes=FD_BYTES if _has_fd_frames(mapped(path)) else CLASSIC_BYTES,
    )
    return read_text(path, layout, lenient=options.lenient)


@compiled()
def _has_fd_frames(data: NDArray[np.uint8]) -> bool:
    """Whether `##`, the mark of CAN FD, occurs."""
    for i in range(len(data) - 1):
        if data[i] == _HASH and data[i + 1] == _HASH:
            return True
    return False


@compiled()
def _parse(
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    for k in range(len(lines)):
        put(lines, k, _line(data, lines[k].start, lines[k].stop, payload[k]))


@compiled()
def _line(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> Line:
    close = find(data, start, stop, ord(")"))
    if data[start] != ord("(") or close == stop:
        return problem(BAD_LAYOUT, start, stop)
    interface, interface_end = _word(data, close + 1, stop)
    word, word_end = _word(data, interface_end, stop)
    mark = find(data, word, word_end, _HASH)
    rest, rest_end = trim(data, word_end, stop)
    if interface == interface_end or mark == word_end or not _is_direction(data, rest, rest_end):
        return problem(BAD_LAYOUT, start, stop)
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
    dlc = _payload(data, mark + 1, word_end, payload)
    if dlc < 0:
        return problem(dlc, mark + 1, word_end)
    time_start, time_stop = trim(data, start + 1, close)
    seconds = parse_time(data, time_start, time_stop)
    return Line(FRAME, time_start, time_stop, seconds, arbitration_id, dlc, 0)


@compiled()
def _payload(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    if start < stop and data[start] == _HASH:
        return _fd_payload(data, start + 1, stop, payload)
    return _classic_payload(data, start, stop, payload)


@compiled()
def _fd_payload(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    """Number of bytes behind the digit of flags, or a negative code."""
    if start == stop:
        return BAD_LAYOUT
    count = parse_payload(data, start + 1, stop, payload)
    # ISO 11898-1: DLC 9 to 15 mean 12, 16, 20, 24, 32, 48 and 64 bytes; nothing lies between.
    if CLASSIC_BYTES < count <= 24:
        return BAD_FD_LENGTH if count % 4 else count
    if count > 24 and count != 32 and count != 48 and count != 64:
        return BAD_FD_LENGTH
    return count


@compiled()
def _classic_payload(
    data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]
) -> int:
    """Number of bytes, 0 for a remote frame, or a negative code."""
    # A remote frame asks for data: what may follow R is the length it asks for, not a payload.
    if start < stop and data[start] == ord("R"):
        return 0 if stop - start <= 2 else BAD_PAYLOAD
    # `_B` behind eight bytes: the raw DLC, 9 to F, of a controller in CAN_CTRLMODE_CC_LEN8_DLC.
    raw_dlc = find(data, start, stop, ord("_"))
    digits = raw_dlc - start
    if raw_dlc < stop and (raw_dlc != stop - 2 or digits != 2 * CLASSIC_BYTES):
        return BAD_PAYLOAD
    # The output is wider than 8 bytes where the file also holds CAN FD.
    if digits > 2 * CLASSIC_BYTES:
        return PAYLOAD_TOO_LONG
    return parse_payload(data, start, raw_dlc, payload)


@compiled()
def _word(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Bounds of the next run of non-blank bytes."""
    while start < stop and is_blank(data[start]):
        start += 1
    end = start
    while end < stop and not is_blank(data[end]):
        end += 1
    return start, end


@compiled()
def _is_direction(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether nothing, or R or T, follows the frame."""
    return start == stop or (
        stop - start == 1 and (data[start] == ord("R") or data[start] == ord("T"))
    )


FORMAT: Final = Format(
    name="candump",
    title="candump -l; carries no labels",
    extensions=(".log",),
    sniff=sniff,
    read=read,
    order=30,
)
