"""A car's traffic with an index by arbitration ID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.bus import BusShare
from can_train.dataset.augment.draws import chance
from can_train.frames.frame import COLUMNS, EXTENDED_FLAG, Frames

_NO_PERIOD_S: Final = 0.1
"""Taken for the period of an ID that is seen too rarely to have one."""

_SHORTEST_PERIOD_S: Final = 2e-4
_BY_TRAFFIC: Final = 0.6
"""Share of draws in which busy IDs are likelier, as attackers choose them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarTraffic:
    """Benign frames of one car in order of time, and where each ID's frames are.

    Attributes:
        frames: N frames, sorted by time.
        ids: Arbitration IDs, ascending [K], uint32.
        stream: Index into `ids` of each frame [N].
        order: Rows by stream, in each by time [N].
        bounds: `order[bounds[k]:bounds[k + 1]]` are the rows of stream k [K + 1].
        bus: How much of the bus the car uses.
    """

    frames: Frames
    ids: NDArray[np.uint32]
    stream: NDArray[np.int64]
    order: NDArray[np.int64]
    bounds: NDArray[np.int64]
    bus: BusShare

    @classmethod
    def of(cls, frames: Frames) -> CarTraffic:
        """Sorts and indexes frames (at least one)."""
        frames = by_time(frames)
        ids, stream = np.unique(frames.arbitration_id, return_inverse=True)
        ends = np.cumsum(np.bincount(stream, minlength=len(ids)))
        return cls(
            frames=frames,
            ids=ids,
            stream=stream.astype(np.int64),
            order=np.argsort(stream, kind="stable"),
            bounds=np.concatenate([[0], ends]),
            bus=BusShare.of(frames),
        )

    def with_payload(self, payload: NDArray[np.uint8]) -> CarTraffic:
        """The same frames with other payloads [N, P]."""
        return replace(self, frames=replace(self.frames, payload=payload))

    @property
    def duration_s(self) -> float:
        """Time of the last frame; recordings of the universe begin at 0."""
        return float(self.frames.timestamp[-1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Frames of each ID [K]."""
        return np.diff(self.bounds)

    def rows(self, k: int) -> NDArray[np.int64]:
        """Rows of ID number `k`, by time; never empty."""
        return self.order[self.bounds[k] : self.bounds[k + 1]]

    def times_s(self, k: int) -> NDArray[np.float64]:
        """Timestamps of ID number `k`."""
        return self.frames.timestamp[self.rows(k)]

    def period_s(self, k: int) -> float:
        """Median gap between frames of ID number `k`."""
        gaps = np.diff(self.times_s(k))
        return max(float(np.median(gaps)), _SHORTEST_PERIOD_S) if len(gaps) > 1 else _NO_PERIOD_S

    def shortest_dlc(self, k: int) -> int:
        """Bytes that every frame of ID number `k` has."""
        return int(self.frames.dlc[self.rows(k)].min())

    def latest(self, k: int, at_s: float) -> int:
        """Row of the last frame of ID number `k` before `at_s`, else of its first."""
        before = int(np.searchsorted(self.times_s(k), at_s)) - 1
        return int(self.rows(k)[max(before, 0)])

    def between(self, start_s: float, end_s: float) -> slice:
        """Rows with `start_s` <= time < `end_s`."""
        first, last = np.searchsorted(self.frames.timestamp, [start_s, end_s])
        return slice(int(first), int(last))

    def counts_between(self, start_s: float, end_s: float) -> NDArray[np.int64]:
        """Frames of each ID in that time [K]."""
        return np.bincount(self.stream[self.between(start_s, end_s)], minlength=len(self.ids))

    def pick(self, allowed: NDArray[np.bool_], rng: np.random.Generator) -> int | None:
        """Number of one of the `allowed` [K] IDs; None where none is."""
        candidates = np.flatnonzero(allowed)
        if not len(candidates):
            return None
        weights = self.counts[candidates] if chance(rng, _BY_TRAFFIC) else np.ones(len(candidates))
        return int(rng.choice(candidates, p=weights / weights.sum()))

    def sends_extended(self, rng: np.random.Generator) -> bool:
        """Whether an ID of this car is an extended one, as often as its IDs are."""
        return chance(rng, float(((self.ids & EXTENDED_FLAG) != 0).mean()))


def take(frames: Frames, rows: NDArray[np.int64]) -> Frames:
    """The frames at `rows`, in that order."""
    return Frames(**{column.name: column.of(frames)[rows] for column in COLUMNS})


def join(parts: Sequence[Frames]) -> Frames:
    """All frames of `parts` (at least one), one part after the other."""
    if len(parts) == 1:
        return parts[0]
    return Frames(
        **{column.name: np.concatenate([column.of(p) for p in parts]) for column in COLUMNS}
    )


def by_time(frames: Frames) -> Frames:
    """The frames sorted by time; those of one time keep their order."""
    if (np.diff(frames.timestamp) >= 0).all():
        return frames
    return take(frames, np.argsort(frames.timestamp, kind="stable"))


def at_times(frames: Frames, timestamp: NDArray[np.float64]) -> Frames:
    """The frames at other times [N], sorted anew; the first one at 0 or later."""
    return by_time(replace(frames, timestamp=np.maximum(timestamp, 0.0)))


def cleared(payload: NDArray[np.uint8], dlc: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The payloads [N, P] with zeros beyond their lengths [N]."""
    return np.where(np.arange(payload.shape[1]) < dlc[:, None], payload, np.uint8(0))
