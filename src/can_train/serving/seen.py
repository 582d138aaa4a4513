"""The IDs of a bus as a page shows them: how often each comes, and how it stands."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.scoring.documents import id_text

MOST_IDS: Final = 512
"""IDs that are kept: more than cars have. Others only count, whatever somebody makes up."""

SHORTEST_SILENCE_S: Final = 2.0
SILENT_PERIODS: Final = 5.0
"""An ID is silent after so many of its usual intervals, but no sooner than the time above."""

FORGOTTEN_S: Final = 60.0
"""A silent ID gives way to another one after that, where there is no room."""

FEWEST_FRAMES: Final = 5
"""An ID that came less often has no usual interval, and can't be missed."""

_SMOOTHING_S: Final = 3.0
"""Rates follow changes within about this time, so that slow IDs don't flicker."""

IdState = Literal["seen", "alarming", "silent"]


@dataclass(slots=True)
class _SeenId:
    """One ID: its frames, those since it was measured, their rate so far, and when it came."""

    first_s: float
    last_s: float
    frames: int = 0
    since: int = 0
    rate: float = 0.0

    @property
    def longest_pause_s(self) -> float:
        """How long it may be away without being silent."""
        usual_s = (self.last_s - self.first_s) / max(self.frames - 1, 1)
        return max(SHORTEST_SILENCE_S, SILENT_PERIODS * usual_s)


class IdStates:
    """Follows the IDs of one stream in bounded memory.

    Attributes:
        untold: Frames of IDs for which there was no room.
    """

    def __init__(self) -> None:
        self._seen: dict[int, _SeenId] = {}
        self._known = 0.0
        self.untold = 0

    def take(self, arbitration_id: NDArray[np.uint32], now_s: float) -> None:
        """Takes the IDs [N] of frames that came until `now_s`."""
        found, counts = np.unique(arbitration_id, return_counts=True)
        for identifier, count in zip(found.tolist(), counts.tolist(), strict=True):
            seen = self._seen.get(identifier) or self._new(identifier, now_s)
            if seen is None:
                self.untold += count
            else:
                seen.frames += count
                seen.since += count
                seen.last_s = now_s

    def measure(self, span_s: float) -> None:
        """Brings the rates up to date, `span_s` seconds after it was done before."""
        if span_s <= 0:
            return
        # An average that forgets; what it has seen of the time so far makes its beginning right.
        weight = 1.0 - math.exp(-span_s / _SMOOTHING_S)
        self._known += weight * (1.0 - self._known)
        for seen in self._seen.values():
            seen.rate += weight * (seen.since / span_s - seen.rate)
            seen.since = 0

    def rows(self, now_s: float, alarming: Collection[int]) -> list[dict[str, Any]]:
        """A JSON object for each ID, ascending.

        Args:
            now_s: Time of the stream.
            alarming: IDs of the alarm that is going on.
        """
        return [
            {
                "id": id_text(identifier),
                "rate": round(seen.rate / (self._known or 1.0), 2),
                "frames": seen.frames,
                "quiet_s": round(max(now_s - seen.last_s, 0.0), 1),
                "state": self._state(identifier, seen, now_s, alarming),
            }
            for identifier, seen in sorted(self._seen.items())
        ]

    def _state(
        self, identifier: int, seen: _SeenId, now_s: float, alarming: Collection[int]
    ) -> IdState:
        if identifier in alarming:
            return "alarming"
        known = seen.frames >= FEWEST_FRAMES
        return "silent" if known and now_s - seen.last_s > seen.longest_pause_s else "seen"

    def _new(self, identifier: int, now_s: float) -> _SeenId | None:
        """Room for another ID, if there is some."""
        if len(self._seen) >= MOST_IDS:
            longest = min(self._seen, key=lambda known: self._seen[known].last_s)
            if now_s - self._seen[longest].last_s < FORGOTTEN_S:
                return None
            del self._seen[longest]
        self._seen[identifier] = _SeenId(first_s=now_s, last_s=now_s)
        return self._seen[identifier]
