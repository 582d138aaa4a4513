"""Jitted parser of lines of words with blanks between them, the bytes of the payload last."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled
from can_train.frames.text.cells import HEX_TEXT, hashes, word_hash
from can_train.frames.text.fields import is_blank
from can_train.frames.text.kinds import Kinds, read_kind
from can_train.frames.text.lines import REMARK, problem, put
from can_train.frames.text.reading import CLASSIC_BYTES, FD_BYTES, TextLayout
from can_train.frames.text.roled import (
    BAD_LAYOUT,
    FOUND,
    MESSAGES,
    How,
    fd_length,
    forget,
    line_of,
    read_cell,
)
from can_train.frames.text.roles import BYTE, DLC, KIND
from can_train.frames.text.usual_words import is_usual, scan_words, usual_constants

_REMOTE: Final = hashes(("rtr", "remote"))


class Grammar(NamedTuple):
    """How lines of words are written.

    Attributes:
        how: As for a table.
        remark: First byte of a line that holds no frame.
        dlc_is_code: Whether a DLC above 8 is a code, not a number of bytes.
        kinds: Words for kinds.
        usual_kind: The word of most data frames as `lines.bus_word` gives it; 0: there is none.
    """

    how: How
    remark: int
    dlc_is_code: int
    kinds: Kinds
    usual_kind: int


def grammar(
    *,
    kinds: Mapping[str, int] | None = None,
    unknown: int = BAD_LAYOUT,
    usual_kind: str = "",
    remark: str = "#",
    base: int = 16,
    dlc_is_code: bool = False,
    **how: int,
) -> Grammar:
    """A grammar; what isn't said is as most tools write it: hexadecimal, seconds with a point.

    Args:
        kinds: What words for a frame's kind mean.
        unknown: What other words mean.
        usual_kind: The word of most data frames, of which nothing else follows.
        remark: First character of a line that holds no frame.
        base: Of IDs and bytes.
        dlc_is_code: Whether a DLC above 8 is a code.
        how: More of `How`.
    """
    kinds = kinds or {}
    plain = How(
        separator=ord(" "),
        point=ord("."),
        id_base=base,
        wide_is_extended=0,
        large_id_is_error=1,
        payload=HEX_TEXT,
        byte_base=base,
        bytes_end=0,
        byte_columns=1,
    )
    return Grammar(
        how=plain._replace(**how),
        remark=ord(remark),
        dlc_is_code=int(dlc_is_code),
        kinds=Kinds(hashes(kinds), np.array(list(kinds.values()), np.int64), unknown),
        usual_kind=int.from_bytes(usual_kind.encode(), "little"),
    )


def words_layout(
    format: str, roles: Sequence[int], how: Grammar, form: str, *, fd: bool | None = None
) -> TextLayout:
    """How a text of words is read.

    Args:
        format: Name of the format.
        roles: What each word is; the last one is `BYTE`.
        how: Its grammar.
        form: What a line looks like, for the message that one doesn't.
        fd: Whether frames of CAN FD were seen in the first lines; None: the format has none.
    """
    constants = usual_constants(roles, how.how, how.remark, how.usual_kind)
    return TextLayout(
        format=format,
        parse=functools.partial(parse_words, np.array(roles, np.int64), how),
        scan=functools.partial(scan_words, constants) if is_usual(roles, how.how) else None,
        messages={**MESSAGES, BAD_LAYOUT: f"not of the form {form}"},
        labelled=False,
        payload_bytes=FD_BYTES if fd else CLASSIC_BYTES,
        may_be_wide=fd is False,
    )


@compiled()
def parse_words(
    roles: NDArray[np.int64],
    how: Grammar,
    data: NDArray[np.uint8],
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> None:
    """Parses lines whose k-th word is what `roles[k]` says; all behind the last are bytes."""
    found = np.zeros(1, FOUND)
    for k in range(len(lines)):
        start, stop = lines[k].start, lines[k].stop
        if data[start] == how.remark:
            put(lines, k, problem(REMARK, start, stop))
            continue
        code, first, last = _read_words(data, start, stop, payload[k], roles, how, found)
        if code != 0:
            put(lines, k, problem(code, first, last))
        else:
            put(lines, k, line_of(data, start, stop, payload[k], how.how, found))


@compiled()
def _read_words(  # noqa: PLR0913 - compiled: a record of the constants would be copied per line
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    payload: NDArray[np.uint8],
    roles: NDArray[np.int64],
    how: Grammar,
    found: NDArray[np.void],
) -> tuple[int, int, int]:
    """Fills `found` [1]; 0, or `NO_FRAME`, `REMARK` or what is wrong, and the bounds of it."""
    forget(found)
    begin = start
    for k in range(len(roles) - 1):
        first, last, begin = _word(data, begin, stop)
        if first == last:
            return BAD_LAYOUT, start, stop
        if roles[k] == KIND:
            code = read_kind(data, first, last, how.kinds, found)
            if code != 0:
                return code, start, stop
        else:
            code = read_cell(data, first, last, roles[k], how.how, found, payload)
            if code < 0:
                return code, first, last
            if roles[k] == DLC and how.dlc_is_code:
                found[0].dlc = fd_length(min(found[0].dlc, 15))
    return _read_bytes(data, begin, stop, payload, how, found)


@compiled()
def _read_bytes(
    data: NDArray[np.uint8],
    begin: int,
    stop: int,
    payload: NDArray[np.uint8],
    how: Grammar,
    found: NDArray[np.void],
) -> tuple[int, int, int]:
    """Reads as many bytes as the DLC says, or all where it is unknown; none of a remote frame."""
    first, last, _ = _word(data, begin, stop)
    if _is_remote(data, first, last):
        found[0].remote = 1
        return 0, begin, stop
    while found[0].dlc < 0 or found[0].count < found[0].dlc:
        first, last, begin = _word(data, begin, stop)
        if first == last:
            break
        code = read_cell(data, first, last, BYTE, how.how, found, payload)
        if code < 0:
            return code, first, last
    return 0, begin, stop


@compiled()
def _is_remote(data: NDArray[np.uint8], first: int, last: int) -> bool:
    word = word_hash(data, first, last)
    return bool(word == _REMOTE[0] or word == _REMOTE[1])


@compiled()
def _word(data: NDArray[np.uint8], begin: int, stop: int) -> tuple[int, int, int]:
    """Bounds of the next word without brackets around it, and the byte behind it."""
    while begin < stop and is_blank(data[begin]):
        begin += 1
    end = begin
    if begin < stop and data[begin] == ord("("):
        # A date and a time of day are one word.
        while end < stop and data[end] != ord(")"):
            end += 1
    while end < stop and not is_blank(data[end]):
        end += 1
    first, last = begin, end
    if last - first > 2 and (data[first] == ord("(") or data[first] == ord("[")):
        first, last = first + 1, last - 1
    while first < last and is_blank(data[first]):
        first += 1
    return first, last, end
