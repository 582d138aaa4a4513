"""Frames and problems of a text, gathered batch by batch of lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import COLUMNS, Frames
from can_train.frames.problems import MOST_PROBLEMS_SHOWN, LineProblems
from can_train.frames.spilling import Spill
from can_train.frames.text.buses import Buses
from can_train.frames.text.lines import FRAME, NO_FRAME, are_frames, take_frames

_BATCHES_AT_ONCE: Final = 4
"""Batches of a long text that go to its files together: they stay in a core's cache until then."""


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Frames and problems of the batches so far.

    Attributes:
        room: Room for a frame per line; of a long text for frames that lie in no file yet.
        buses: Their buses.
        spills: Files of a long text: of each column, and of the buses.
        spilled: How many frames lie there.
        remote: How many of them are remote frames.
        no_frames: Lines that report a bus error.
        problems: The first malformed lines, in file order.
        faults: How many malformed lines there are of each code.
        attacks: How many of them carry an attack label.
    """

    room: Frames
    buses: Buses
    spills: tuple[Spill, ...] = ()
    spilled: int = 0
    count: int = 0
    remote: int = 0
    no_frames: int = 0
    problems: list[np.void] = field(default_factory=list)
    faults: Counter[int] = field(default_factory=Counter)
    attacks: int = 0

    @classmethod
    def with_room(cls, lines: int, payload_bytes: int, *, spilling: bool = False) -> Gathered:
        """Nothing yet, and room for a frame in each of so many lines.

        Args:
            lines: How many there are at most; of a long text, how many are added at once.
            payload_bytes: Width of the payloads.
            spilling: Whether it is a long text.
        """
        lines = lines * _BATCHES_AT_ONCE if spilling else lines
        room = Frames(
            timestamp=np.empty(lines, np.float64),
            arbitration_id=np.empty(lines, np.uint32),
            dlc=np.empty(lines, np.uint8),
            payload=np.empty((lines, payload_bytes), np.uint8),
            label=np.empty(lines, np.uint8),
        )
        found = cls(room=room, buses=Buses(index=np.empty(lines, np.uint8)))
        if spilling:
            found.spills = tuple(map(Spill, found._columns(0)))
        return found

    def whole(self) -> tuple[Frames, NDArray[np.uint8]]:
        """All frames and their buses; nothing can be added any more."""
        if self.spills:
            self._spill()
            *columns, self.buses.index = (spill.whole() for spill in self.spills)
            names = (column.name for column in COLUMNS)
            self.room = Frames(**dict(zip(names, columns, strict=True)))
            self.spills = ()
        return self.room[: self.count], self.buses.index[: self.count]

    def _columns(self, count: int) -> list[NDArray[Any]]:
        """The first frames of the room by column, and their buses."""
        frames = self.room[:count]
        return [*(column.of(frames) for column in COLUMNS), self.buses.index[:count]]

    def _spill(self) -> None:
        """Moves what lies in the room to the files."""
        for spill, rows in zip(self.spills, self._columns(self.count - self.spilled), strict=True):
            spill.add(rows)
        self.spilled = self.count

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
        if self.spills and self.count - self.spilled + len(lines) > len(self.room):
            self._spill()
        begin = self.count - self.spilled
        room = self.room[begin : begin + len(lines)]
        columns = (room.timestamp, room.arbitration_id, room.dlc, room.payload, room.label)
        count, remote = take_frames(lines, payload, *columns)
        self.remote += remote
        if count < len(lines):
            bad = lines[lines["code"] < FRAME]
            self.faults.update(bad["code"].tolist())
            self.problems += [
                line.copy() for line in bad[: MOST_PROBLEMS_SHOWN - len(self.problems)]
            ]
            self.no_frames += int(np.count_nonzero(lines["code"] == NO_FRAME))
            lines = lines[are_frames(lines)]
        if count:
            self.buses.add(begin, lines["bus"])
        self.count += count
