"""Jitted parsers of what a line of `candump -l` holds: the payload, and what follows it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.fields import (
    BAD_PAYLOAD,
    LINE_FEED,
    PAYLOAD_TOO_LONG,
    find,
    is_blank,
    parse_payload,
    trim,
)
from can_train.frames.text.reading import CLASSIC_BYTES, OWN_CODES

BAD_LAYOUT: Final = OWN_CODES
BAD_FD_LENGTH: Final = OWN_CODES - 1
NO_LABEL: Final = OWN_CODES - 2
MESSAGES: Final = {
    BAD_LAYOUT: "not of the form (seconds) interface ID#PAYLOAD",
    BAD_FD_LENGTH: "CAN FD payload isn't 0-8, 12, 16, 20, 24, 32, 48 or 64 bytes",
    NO_LABEL: "the label 0 or 1 after the frame is missing",
}

FD, BENIGN, ATTACK = 1, 2, 4
"""What a survey finds: frames of CAN FD, lines with the label 0, lines with the label 1."""

HASH: Final = ord("#")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_ONE: Final = ord("1")


@compiled()
def survey(data: NDArray[np.uint8]) -> int:
    """Which of FD, BENIGN and ATTACK occur, in sum."""
    fd = benign = attack = trailing = False
    # Three equal views and no branch: many bytes are looked at with one instruction.
    second, first, here = data[:-2], data[1:-1], data[2:]
    for i in range(len(here)):
        ends = here[i] == LINE_FEED
        labels = ends & is_blank(second[i])
        fd |= (here[i] == HASH) & (first[i] == HASH)
        benign |= labels & (first[i] == _ZERO)
        attack |= labels & (first[i] == _ONE)
        trailing |= ends & is_blank(first[i])
    found = FD * fd + BENIGN * benign + ATTACK * attack
    if trailing:
        for i in range(2, len(data)):
            if data[i] == LINE_FEED:
                found |= _label_before(data, i)
    last = len(data)
    return found | _label_before(data, last) if last > 2 and data[last - 1] != LINE_FEED else found


@compiled()
def _label_before(data: NDArray[np.uint8], end: int) -> int:
    """BENIGN or ATTACK if a line that ends at `end` has the label 0 or 1 behind a blank, else 0."""
    while end > 2 and is_blank(data[end - 1]):
        end -= 1
    if not is_blank(data[end - 2]):
        return 0
    if data[end - 1] == _ZERO:
        return BENIGN
    return ATTACK if data[end - 1] == _ONE else 0


@compiled()
def payload_of(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    """Number of bytes behind the first `#` of a frame, or a negative code."""
    if start < stop and data[start] == HASH:
        return _fd_payload(data, start + 1, stop, payload)
    return _classic_payload(data, start, stop, payload)


@compiled()
def is_remote(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether what follows the first `#` is of a remote frame: `R`, or `R8`."""
    return start < stop and data[start] == ord("R")


@compiled()
def _fd_payload(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    """Number of bytes behind the digit of flags, or a negative code."""
    if start == stop:
        return BAD_LAYOUT
    count = _digits(data, start + 1, stop, payload)
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
    if is_remote(data, start, stop):
        return 0 if stop - start <= 2 else BAD_PAYLOAD
    # `_B` behind eight bytes: the raw DLC, 9 to F, of a controller in CAN_CTRLMODE_CC_LEN8_DLC.
    raw_dlc = find(data, start, stop, ord("_"))
    if raw_dlc < stop and (raw_dlc != stop - 2 or raw_dlc - start != 2 * CLASSIC_BYTES):
        return BAD_PAYLOAD
    # The output is wider than 8 bytes where the file also holds CAN FD.
    return _digits(data, start, raw_dlc, payload[:CLASSIC_BYTES])


@compiled()
def _digits(data: NDArray[np.uint8], start: int, stop: int, payload: NDArray[np.uint8]) -> int:
    """Number of bytes of hex digits with or without points between bytes, or a negative code."""
    if stop - start < 3 or data[start + 2] != _POINT:
        return parse_payload(data, start, stop, payload)
    if data[stop - 1] == _POINT:
        return BAD_PAYLOAD
    count = 0
    while start < stop:
        if count == len(payload):
            return PAYLOAD_TOO_LONG
        end = find(data, start, stop, _POINT)
        code = parse_payload(data, start, end, payload[count : count + 1])
        if code != 1:
            return BAD_PAYLOAD if code >= 0 or code == PAYLOAD_TOO_LONG else code
        count += 1
        start = end + 1
    return count


@compiled()
def label_of(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """0 or 1 from what follows a frame, NO_LABEL if it has none, or BAD_LAYOUT.

    That is nothing, a direction (R, T, Rx, Tx), a label, or both.
    """
    start, stop = trim(data, start, stop)
    if start == stop:
        return NO_LABEL
    if data[start] == ord("R") or data[start] == ord("T"):
        start += 1
        if start < stop and data[start] == ord("x"):
            start += 1
        if start < stop and not is_blank(data[start]):
            return BAD_LAYOUT
        start, stop = trim(data, start, stop)
        if start == stop:
            return NO_LABEL
    is_label = stop - start == 1 and (data[start] == ord("0") or data[start] == ord("1"))
    return int(data[start]) - ord("0") if is_label else BAD_LAYOUT
