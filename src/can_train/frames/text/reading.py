"""Reads a text recording of any format: its mapped bytes, batch by batch of lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from can_train.frames.options import Advance, ReadOptions, no_advance
from can_train.frames.paging import PIECE_BYTES, give_back, in_pieces, mapped
from can_train.frames.problems import (
    carries_attack,
    refuse_problems,
)
from can_train.frames.result import ReadResult, require_frames
from can_train.frames.text.fields import (
    BAD_TIMESTAMP,
    LINE_FEED,
    MESSAGES,
    PAYLOAD_TOO_LONG,
    find,
)
from can_train.frames.text.gathered import Gathered
from can_train.frames.text.lines import (
    FRAME,
    LINES,
    ODD,
    Cut,
    are_frames,
    count_line_ends,
    cut,
)

OWN_CODES: Final = -100
"""Codes of a format's own problems count down from here; those above belong to `fields`."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
CLASSIC_BYTES: Final = 8
FD_BYTES: Final = 64
FD_LENGTHS: Final = frozenset({12, 16, 20, 24, 32, 48, 64})
"""Payloads of CAN FD above eight bytes (ISO 11898-1)."""

_BATCH_LINES: Final = 4096
"""48 bytes each: a batch stays in a core's own cache, and Python's share of its time is lost."""

_LONG_BYTES: Final = 1 << 25
"""What a longer text holds lies in files, a shorter one's frames in memory."""

_LONGEST_SHOWN: Final = 60


Parse: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8]], None]
Scan: TypeAlias = Callable[[NDArray[np.uint8], int, int, NDArray[np.void], NDArray[np.uint8]], Cut]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLayout:
    """How one text file is to be read.

    Attributes:
        format: Name of the format.
        parse: The format's parser of a batch of lines: takes the text's bytes, the lines [M] and
            their zeroed payloads [M, P] (see `lines`).
        messages: The format's own codes, in words.
        labelled: Whether the lines hold labels.
        scan: The format's fast pass (see `canonical`), which finds the next lines and reads the
            usual ones: takes the text's bytes, the first of them to look at, the number of the
            line before it, room for lines [M] and for their zeroed payloads [M, P].
        header_lines: Lines before the first frame, blank ones not counted.
        payload_bytes: Width P of the payloads.
        may_be_wide: Whether frames of CAN FD may follow where the first lines told of none: if a
            payload is too long, the text is read once more.
        label_field: Which field of a line holds its label; -1: the last one.
        units_per_s: What a timestamp counts: 1 seconds, 1000 milliseconds, 1e6 microseconds.
        start_s: Time of a timestamp of 0.
        understood: How the file was understood, as `ReadResult` has it.
    """

    format: str
    parse: Parse
    messages: Mapping[int, str]
    labelled: bool
    scan: Scan | None = None
    header_lines: int = 0
    payload_bytes: int = CLASSIC_BYTES
    may_be_wide: bool = False
    label_field: int = -1
    units_per_s: float = 1.0
    start_s: float = 0.0
    understood: tuple[str, ...] = ()

    def starting_at(self, start_s: float, *, units_per_s: float = 1.0) -> TextLayout:
        """The same, with timestamps that count from `start_s`."""
        return replace(self, start_s=start_s, units_per_s=units_per_s)


def read_text(path: Path, layout: TextLayout, options: ReadOptions) -> ReadResult:
    """Reads one text recording.

    Args:
        path: A file that isn't empty.
        layout: Its layout.
        options: Which share of the lines may be malformed, and what takes bytes that are read.

    Raises:
        DataError: More lines are malformed, one of them carries an attack label, or there are no
            frames.
    """
    data = mapped(path)
    found = _read(data, layout, options.advance)
    if layout.may_be_wide and found.faults[PAYLOAD_TOO_LONG]:
        wide = _read(data, replace(layout, payload_bytes=FD_BYTES), no_advance)
        lengths = set(np.unique(wide.whole()[0].dlc).tolist()) - set(range(9))
        found = wide if lengths and lengths <= FD_LENGTHS else found
    messages = {**MESSAGES, **layout.messages}
    shown = tuple(
        f"{path}:{line['number']}: {messages[int(line['code'])]}: {_shorten(_text(data, line))}"
        for line in found.problems
    )
    refuse_problems(path, found.as_told(shown), options.lenient)
    give_back(data)
    frames, buses = found.whole()
    require_frames(path, len(frames))
    _to_seconds(frames.timestamp, layout)
    names = found.buses.names
    return ReadResult(
        frames=frames,
        format=layout.format,
        labelled=layout.labelled,
        skipped=found.faults.total(),
        error_frames=found.no_frames,
        remote_frames=found.remote,
        first_problems=shown,
        bus=buses if names else None,
        bus_names=names,
        understood=layout.understood,
    )


def in_lines(data: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """A text in pieces of whole lines; the memory of those before is given back."""
    begin = 0
    while begin < len(data):
        end = find(data, min(begin + PIECE_BYTES, len(data)), len(data), LINE_FEED) + 1
        yield data[begin:end]
        begin = end
        give_back(data)


def _read(data: NDArray[np.uint8], layout: TextLayout, advance: Advance) -> Gathered:
    """All that the lines of a text hold."""
    if len(data) < _LONG_BYTES:
        count = 1 + int(count_line_ends(data))
        found = Gathered.with_room(count, layout.payload_bytes)
    else:
        found = Gathered.with_room(_BATCH_LINES, layout.payload_bytes, spilling=True)
    looked_at = 0
    for lines, payload in _batches(data, layout):
        for line in _parse_odd(data, layout, lines, payload):
            found.attacks += carries_attack(
                _text(data, line), labelled=layout.labelled, label_field=layout.label_field
            )
        found.add(lines, payload)
        if len(lines) and lines["start"][-1] - looked_at > PIECE_BYTES:
            advance(int(lines["start"][-1]) - looked_at)
            looked_at = int(lines["start"][-1])
            give_back(data)
    return found


def _to_seconds(timestamps: NDArray[np.float64], layout: TextLayout) -> None:
    for some in in_pieces(timestamps):
        if layout.units_per_s != 1.0:
            some /= layout.units_per_s
        if layout.start_s != 0.0:
            some += layout.start_s


def _batches(
    data: NDArray[np.uint8], layout: TextLayout
) -> Iterator[tuple[NDArray[np.void], NDArray[np.uint8]]]:
    """All lines behind the header that aren't blank, and their payloads."""
    marked = data[: len(BYTE_ORDER_MARK)].tobytes() == BYTE_ORDER_MARK
    position, number = len(BYTE_ORDER_MARK) if marked else 0, 0
    if layout.header_lines:
        header = np.empty(layout.header_lines, LINES)
        _, position, number = cut(data, position, number, header)
    lines = np.empty(_BATCH_LINES, LINES)
    while position < len(data):
        payload = np.zeros((_BATCH_LINES, layout.payload_bytes), np.uint8)
        if layout.scan is None:
            count, position, number = cut(data, position, number, lines)
        else:
            count, position, number = layout.scan(data, position, number, lines, payload)
        yield lines[:count], payload[:count]


def _parse_odd(
    data: NDArray[np.uint8],
    layout: TextLayout,
    lines: NDArray[np.void],
    payload: NDArray[np.uint8],
) -> NDArray[np.void]:
    """Parses the lines that were only found; gives those that are malformed, as they were found."""
    odd = np.flatnonzero(lines["code"] == ODD)
    if len(odd) == 0:
        return lines[:0]
    whole = lines[odd]
    all_of_them = len(odd) == len(lines)
    some, bytes_ = (lines, payload) if all_of_them else (lines[odd], payload[odd])
    layout.parse(data, some, bytes_)
    _read_hard_timestamps(data, some)
    if not all_of_them:
        lines[odd], payload[odd] = some, bytes_
    malformed: NDArray[np.void] = whole[some["code"] < FRAME]
    return malformed


def _read_hard_timestamps(data: NDArray[np.uint8], lines: NDArray[np.void]) -> None:
    """Reads by `float()` what only `float()` can read; the rest is a problem of its line."""
    hard = are_frames(lines) & np.isnan(lines["timestamp"])
    for k in np.flatnonzero(hard):
        seconds = _seconds(_text(data, lines[k]))
        lines["timestamp"][k] = seconds
        if not math.isfinite(seconds):
            lines["code"][k] = BAD_TIMESTAMP


def _seconds(text: str) -> float:
    """`float(text)`, or NaN where that isn't a plain number."""
    try:
        # float() also takes Python's own 1_000, by which no recorder means a number.
        return math.nan if "_" in text else float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _text(data: NDArray[np.uint8], line: np.void) -> str:
    """What the bounds of a line enclose."""
    return data[line["start"] : line["stop"]].tobytes().decode("utf-8", "replace")


def _shorten(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
