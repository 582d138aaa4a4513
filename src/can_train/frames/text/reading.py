"""Reads a text recording of any format: its mapped bytes, batch by batch of lines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.frames.problems import (
    MOST_PROBLEMS_SHOWN,
    LineProblems,
    carries_attack,
    refuse_problems,
)
from can_train.frames.result import ReadResult, require_frames
from can_train.frames.text.buses import Buses
from can_train.frames.text.fields import BAD_TIMESTAMP, MESSAGES
from can_train.frames.text.lines import FRAME, LINES, NO_FRAME, count_lines, cut

OWN_CODES: Final = -100
"""Codes of a format's own problems count down from here; those above belong to `fields`."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
CLASSIC_BYTES: Final = 8
FD_BYTES: Final = 64
_BATCH_LINES: Final = 4096
"""48 bytes each: a batch stays in a core's own cache, and Python's share of its time is lost."""

_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLayout:
    """How one text file is to be read.

    Attributes:
        format: Name of the format.
        parse: The format's parser of a batch of lines: takes the text's bytes, the lines [M] and
            their zeroed payloads [M, P] (see `lines`).
        messages: The format's own codes, in words.
        labelled: Whether the lines hold labels.
        header_lines: Lines before the first frame, blank ones not counted.
        payload_bytes: Width P of the payloads.
        label_field: Which field of a line holds its label; -1: the last one.
        units_per_s: What a timestamp counts: 1 seconds, 1000 milliseconds, 1e6 microseconds.
        start_s: Time of a timestamp of 0.
        understood: How the file was understood, as `ReadResult` has it.
    """

    format: str
    parse: Callable[[NDArray[np.uint8], NDArray[np.void], NDArray[np.uint8]], None]
    messages: Mapping[int, str]
    labelled: bool
    header_lines: int = 0
    payload_bytes: int = CLASSIC_BYTES
    label_field: int = -1
    units_per_s: float = 1.0
    start_s: float = 0.0
    understood: tuple[str, ...] = ()

    def starting_at(self, start_s: float, *, units_per_s: float = 1.0) -> TextLayout:
        """The same, with timestamps that count from `start_s`."""
        return replace(self, start_s=start_s, units_per_s=units_per_s)


def mapped(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file that isn't empty, read when they are looked at."""
    data: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r"))
    return data


def read_text(path: Path, layout: TextLayout, *, lenient: float) -> ReadResult:
    """Reads one text recording.

    Args:
        path: A file that isn't empty.
        layout: Its layout.
        lenient: Share of the lines that may be malformed: they are left out and counted.

    Raises:
        DataError: More lines are malformed, one of them carries an attack label, or there are no
            frames.
    """
    data = mapped(path)
    found = _Found.with_room(int(count_lines(data)), layout.payload_bytes)
    for lines in _batches(data, layout.header_lines):
        whole = lines.copy()
        payload = np.zeros((len(lines), layout.payload_bytes), np.uint8)
        layout.parse(data, lines, payload)
        _read_hard_timestamps(data, lines)
        found.add(lines, payload)
        bad = whole[lines["code"] < FRAME]
        found.attacks += sum(
            carries_attack(
                _text(data, line), labelled=layout.labelled, label_field=layout.label_field
            )
            for line in bad
        )
    messages = {**MESSAGES, **layout.messages}
    shown = tuple(
        f"{path}:{line['number']}: {messages[int(line['code'])]}: {_shorten(_text(data, line))}"
        for line in found.problems
    )
    refuse_problems(path, found.as_told(shown), lenient)
    frames = found.frames[: found.count]
    require_frames(path, len(frames))
    _to_seconds(frames.timestamp, layout)
    names = found.buses.names
    return ReadResult(
        frames=frames,
        format=layout.format,
        labelled=layout.labelled,
        skipped=found.faults.total(),
        error_frames=found.no_frames,
        first_problems=shown,
        bus=found.buses.index[: found.count] if names else None,
        bus_names=names,
        understood=layout.understood,
    )


def _to_seconds(timestamps: NDArray[np.float64], layout: TextLayout) -> None:
    if layout.units_per_s != 1.0:
        timestamps /= layout.units_per_s
    if layout.start_s != 0.0:
        timestamps += layout.start_s


def _batches(data: NDArray[np.uint8], header_lines: int) -> Iterator[NDArray[np.void]]:
    """All lines behind the header that aren't blank."""
    marked = data[: len(BYTE_ORDER_MARK)].tobytes() == BYTE_ORDER_MARK
    position, number = len(BYTE_ORDER_MARK) if marked else 0, 0
    if header_lines:
        _, position, number = cut(data, position, number, np.empty(header_lines, LINES))
    lines = np.empty(_BATCH_LINES, LINES)
    while position < len(data):
        count, position, number = cut(data, position, number, lines)
        yield lines[:count]


@dataclass(slots=True, kw_only=True)
class _Found:
    """Frames and problems of the batches so far.

    Attributes:
        frames: Room for a frame per line; the first `count` are filled.
        problems: The first malformed lines, in file order.
        faults: How many malformed lines there are of each code.
        attacks: How many of them carry an attack label.
    """

    frames: Frames
    buses: Buses
    count: int = 0
    no_frames: int = 0
    problems: list[np.void] = field(default_factory=list)
    faults: Counter[int] = field(default_factory=Counter)
    attacks: int = 0

    @classmethod
    def with_room(cls, lines: int, payload_bytes: int) -> _Found:
        return cls(
            frames=Frames(
                timestamp=np.empty(lines, np.float64),
                arbitration_id=np.empty(lines, np.uint32),
                dlc=np.empty(lines, np.uint8),
                payload=np.empty((lines, payload_bytes), np.uint8),
                label=np.empty(lines, np.uint8),
            ),
            buses=Buses(index=np.empty(lines, np.uint8)),
        )

    def as_told(self, shown: tuple[str, ...]) -> LineProblems:
        """The malformed lines, of which the first are `shown`."""
        count = self.faults.total()
        return LineProblems(
            first=shown,
            count=count,
            lines=self.count + self.no_frames + count,
            attacks=self.attacks,
            commonest=max(self.faults.values(), default=0),
        )

    def add(self, lines: NDArray[np.void], payload: NDArray[np.uint8]) -> None:
        """Adds a parsed batch."""
        good: NDArray[np.bool_] = lines["code"] == FRAME
        if not good.all():
            bad = lines[lines["code"] < FRAME]
            self.faults.update(bad["code"].tolist())
            self.problems += [
                line.copy() for line in bad[: MOST_PROBLEMS_SHOWN - len(self.problems)]
            ]
            self.no_frames += int(np.count_nonzero(lines["code"] == NO_FRAME))
            lines, payload = lines[good], payload[good]
            if len(lines) == 0:
                return
        self.buses.add(self.count, lines["bus"])
        room = self.frames[self.count : self.count + len(lines)]
        room.timestamp[:] = lines["timestamp"]
        room.arbitration_id[:] = lines["arbitration_id"]
        room.dlc[:] = lines["dlc"]
        room.payload[:] = payload
        room.label[:] = lines["label"]
        self.count += len(lines)


def _read_hard_timestamps(data: NDArray[np.uint8], lines: NDArray[np.void]) -> None:
    """Reads by `float()` what only `float()` can read; the rest is a problem of its line."""
    hard = (lines["code"] == FRAME) & np.isnan(lines["timestamp"])
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
