"""What the traffic of one recording looks like: when each ID speaks, how regularly, and what of it.

Numbers of frames and times; nothing that an evaluation computes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.evaluation.timeline import episodes_of
from can_train.frames.frame import Frames
from can_train.frames.timing import recorded_s
from can_train.graphs.steady import SteadyClock
from can_train.scoring.documents import id_text

BUCKETS: Final = 180
"""Stretches of time of a raster."""

MOST_BITS: Final = 64
"""Bits of a payload that are looked at; those of CAN FD beyond are told by number."""

BUSY: Final = 1.6
"""From how many times its usual number of frames on an ID is drawn as unusually busy."""

SILENT_PERIODS: Final = 3.0
"""An ID is silent when it sends nothing for longer than so many of its periods."""

_SHORTEST_S: Final = 1e-6
_FEW: Final = 3
"""Frames more that make a stretch busy: small counts vary by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTraffic:
    """One ID of a recording.

    Attributes:
        id: Arbitration ID.
        frames: How many frames it sent.
        attacks: How many of them are labelled as attacks.
        period_s: Median interval between its benign frames; None: fewer than two.
        low_s, high_s: 5th and 95th percentile of the intervals.
        dlcs: Payload lengths.
        changing: Bits of its payload that ever change.
        bits: Bits of its payload.
    """

    id: str
    frames: int
    attacks: int
    period_s: float | None
    low_s: float | None
    high_s: float | None
    dlcs: tuple[int, ...]
    changing: int
    bits: int


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedTraffic:
    """A recording with K IDs in T stretches of time.

    Attributes:
        name: Its name.
        frames: Number of frames.
        duration_s: Seconds in which frames came.
        span_s: From its first frame to its last one.
        ids: The IDs, ascending.
        counts: Frames of each ID in each stretch [K, T], int64.
        changes: Share of its frames in which each bit differs from the frame before [K, 64].
        attacks: Begin and end of each labelled attack, in seconds since the first frame.
        has_labels: Whether its frames are labelled.
    """

    name: str
    frames: int
    duration_s: float
    span_s: float
    ids: tuple[IdTraffic, ...]
    counts: NDArray[np.int64]
    changes: NDArray[np.float64]
    attacks: tuple[tuple[float, float], ...]
    has_labels: bool = True

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Where an ID speaks [K, T]: what lies within three of its periods is no silence."""
        step_s = self.span_s / self.counts.shape[1]
        reach = [_reach(each.period_s, step_s) for each in self.ids]
        found = [_closed(row, most) for row, most in zip(self.counts > 0, reach, strict=True)]
        return np.array(found, np.bool_).reshape(self.counts.shape)

    @cached_property
    def usual(self) -> NDArray[np.float64]:
        """Usual number of frames of each ID in a stretch [K, 1]: the median over all."""
        usual: NDArray[np.float64] = np.median(self.counts, axis=1, keepdims=True)
        return usual

    @cached_property
    def busy(self) -> NDArray[np.bool_]:
        """Where an ID sends many more frames than usual [K, T]."""
        busy: NDArray[np.bool_] = self.counts >= np.maximum(BUSY * self.usual, self.usual + _FEW)
        return busy

    @cached_property
    def rate(self) -> NDArray[np.float64]:
        """Frames per second in each stretch [T]."""
        rate: NDArray[np.float64] = self.counts.sum(axis=0) * self.counts.shape[1] / self.span_s
        return rate

    def of(self, rows: NDArray[np.int64]) -> RecordedTraffic:
        """The same of some of its IDs alone."""
        ids = tuple(self.ids[row] for row in rows.tolist())
        return replace(self, ids=ids, counts=self.counts[rows], changes=self.changes[rows])

    @property
    def per_second(self) -> float:
        """Frames per second, over the time in which frames came."""
        return self.frames / max(self.duration_s, _SHORTEST_S)

    @property
    def labelled(self) -> int:
        """Frames that are labelled as attacks."""
        return sum(each.attacks for each in self.ids)


def _reach(period_s: float | None, step_s: float) -> int:
    """Empty stretches in a row that an ID of such a period leaves while it goes on."""
    return 0 if period_s is None else int(SILENT_PERIODS * period_s / step_s)


def _closed(speaks: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """The same [T], with gaps of at most so many stretches filled."""
    at = np.flatnonzero(speaks)
    filled = speaks.copy()
    for begin, end in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        if end - begin - 1 <= most:
            filled[begin:end] = True
    if len(at):  # it may go on before the first and after the last one, too
        filled[max(0, at[0] - most) : at[0]] = at[0] <= most
        filled[at[-1] + 1 : at[-1] + 1 + most] = len(speaks) - 1 - at[-1] <= most
    return filled


def traffic_of(name: str, frames: Frames, *, has_labels: bool = True) -> RecordedTraffic:
    """What a recording of at least two frames looks like."""
    at_s = SteadyClock().follow(frames.timestamp)
    at_s = at_s - at_s[0]
    span_s = max(float(at_s.max()), _SHORTEST_S)
    distinct, slot = np.unique(frames.arbitration_id, return_inverse=True)
    stretch = np.minimum((at_s * (BUCKETS / span_s)).astype(np.int64), BUCKETS - 1)
    counts = np.bincount(slot * BUCKETS + stretch, minlength=len(distinct) * BUCKETS)
    attack_s = at_s[frames.label != 0]
    episodes = episodes_of(attack_s, attack_s)
    order = np.argsort(slot, kind="stable")
    ends = np.cumsum(np.bincount(slot, minlength=len(distinct)))
    rows = np.split(order, ends[:-1])
    changes = np.array([_changes(frames, row) for row in rows])
    return RecordedTraffic(
        name=name,
        frames=len(frames),
        duration_s=recorded_s(frames.timestamp),
        span_s=span_s,
        ids=tuple(
            _of_id(int(identifier), frames, row, at_s)
            for identifier, row in zip(distinct.tolist(), rows, strict=True)
        ),
        counts=counts.reshape(len(distinct), BUCKETS),
        changes=changes,
        attacks=tuple(zip(episodes.start_s.tolist(), episodes.end_s.tolist(), strict=True)),
        has_labels=has_labels,
    )


def _changes(frames: Frames, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of one ID's steps that change each bit [64], its benign frames alone."""
    payload = frames.payload[rows[frames.label[rows] == 0], : MOST_BITS // 8]
    if len(payload) < 2:
        return np.zeros(MOST_BITS)
    shares: NDArray[np.float64] = np.unpackbits(payload[1:] ^ payload[:-1], axis=1).mean(axis=0)
    return shares


def _of_id(
    identifier: int, frames: Frames, rows: NDArray[np.int64], at_s: NDArray[np.float64]
) -> IdTraffic:
    benign = rows[frames.label[rows] == 0]
    intervals = np.diff(at_s[benign])
    low = middle = high = None
    if len(intervals):
        low, middle, high = np.percentile(intervals, [5, 50, 95]).tolist()
    payload = frames.payload[benign]
    differing = np.bitwise_or.reduce(payload ^ payload[:1], axis=0) if len(benign) else payload
    dlcs = np.unique(frames.dlc[rows])
    return IdTraffic(
        id=id_text(identifier),
        frames=len(rows),
        attacks=len(rows) - len(benign),
        period_s=middle,
        low_s=low,
        high_s=high,
        dlcs=tuple(dlcs.tolist()),
        changing=int(np.unpackbits(differing).sum()),
        bits=8 * int(dlcs.max()),
    )
