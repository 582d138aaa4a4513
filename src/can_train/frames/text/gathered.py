"""Frames and problems of a text, gathered batch by batch of lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import COLUMNS, Frames
from can_train.frames.paging import give_back, roomy
from can_train.frames.problems import MOST_PROBLEMS_SHOWN, LineProblems
from can_train.frames.text.buses import Buses
from can_train.frames.text.lines import FRAME, NO_FRAME, are_frames, take_frames


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Frames and problems of the batches so far.

    Attributes:
        frames: Room for a frame per line; the first `count` are filled.
        remote: How many of them are remote frames.
        no_frames: Lines that report a bus error.
        problems: The first malformed lines, in file order.
        faults: How many malformed lines there are of each code.
        attacks: How many of them carry an attack label.
    """

    frames: Frames
    buses: Buses
    count: int = 0
    remote: int = 0
    no_frames: int = 0
    problems: list[np.void] = field(default_factory=list)
    faults: Counter[int] = field(default_factory=Counter)
    attacks: int = 0

    @classmethod
    def with_room(cls, lines: int, payload_bytes: int) -> Gathered:
        """Nothing yet, and room for a frame in each of so many lines."""
        return cls(
            frames=Frames(
                timestamp=roomy(lines, np.float64),
                arbitration_id=roomy(lines, np.uint32),
                dlc=roomy(lines, np.uint8),
                payload=roomy((lines, payload_bytes), np.uint8),
                label=roomy(lines, np.uint8),
            ),
            buses=Buses(index=roomy(lines, np.uint8)),
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

    def give_back(self) -> None:
        """Gives back the memory of the frames so far, if they lie in files."""
        for column in COLUMNS:
            give_back(column.of(self.frames))
        give_back(self.buses.index)

    def add(self, lines: NDArray[np.void], payload: NDArray[np.uint8]) -> None:
        """Adds a parsed batch."""
        room = self.frames[self.count : self.count + len(lines)]
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
            self.buses.add(self.count, lines["bus"])
        self.count += count
