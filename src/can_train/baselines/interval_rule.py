"""A rule of thumb of the field: frames that come sooner or later than their ID ever did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.baselines.recording import UnlabelledRecording

SHARE: Final = 0.001
"""Of an ID's benign intervals that may be shorter than its shortest usual one, or longer than its
longest."""

FEWEST: Final = 20
"""Intervals from which on an ID has a usual one; the rule says nothing about others."""

SHORTEST_S: Final = 1e-6
"""Resolution of most recorders: intervals below it are no shorter than it."""

UNKNOWN: Final = float(np.log(1e4))
"""Score of an ID that benign traffic doesn't have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsualIntervals:
    """What benign traffic shows of K IDs.

    Attributes:
        key: Each ID (`keys_of`), ascending [K], int64.
        shortest, longest: Logarithm of the interval in seconds, `SHARE` of the intervals lying
            beyond [K]; minus and plus infinity for IDs with fewer than `FEWEST` of them.
    """

    key: NDArray[np.int64]
    shortest: NDArray[np.float64]
    longest: NDArray[np.float64]


class IntervalRule:
    """Scores a frame by the factor at which its interval lies beyond the usual ones of its ID.

    The score is the logarithm of that factor, at least 0: 0.69 for a frame that comes in half of
    the shortest usual time, or after twice the longest. An unknown ID counts as a factor of 10,000.
    """

    name: Final = "interval-rule"

    def __init__(self) -> None:
        self._usual = UsualIntervals(key=np.zeros(0, np.int64), **_nothing(0))

    def fit(self, recordings: Sequence[UnlabelledRecording]) -> None:
        """Learns the usual intervals of every ID."""
        keys = np.concatenate([keys_of(each) for each in recordings])
        intervals = np.concatenate([log_intervals(each) for each in recordings])
        known = ~np.isnan(intervals)
        ids = np.unique(keys)
        order = np.lexsort((intervals[known], keys[known]))
        keys, intervals = keys[known][order], intervals[known][order]
        first = np.searchsorted(keys, ids)
        count = np.searchsorted(keys, ids, side="right") - first
        found = _nothing(len(ids))
        enough = count >= FEWEST
        beyond = np.floor(SHARE * count[enough]).astype(np.int64)
        found["shortest"][enough] = intervals[first[enough] + beyond]
        found["longest"][enough] = intervals[first[enough] + count[enough] - 1 - beyond]
        self._usual = UsualIntervals(key=ids, **found)

    def score(self, recording: UnlabelledRecording) -> NDArray[np.float64]:
        """A score per frame [F]."""
        usual, keys, interval = self._usual, keys_of(recording), log_intervals(recording)
        at = np.minimum(np.searchsorted(usual.key, keys), len(usual.key) - 1)
        beyond = np.maximum(usual.shortest[at] - interval, interval - usual.longest[at])
        score = np.where(np.isnan(interval), 0.0, np.maximum(beyond, 0.0))
        return np.where(usual.key[at] == keys, score, UNKNOWN)


def keys_of(recording: UnlabelledRecording) -> NDArray[np.int64]:
    """A number for each ID [F], int64: an ID in the extended format is another one."""
    return recording.id.astype(np.int64) | recording.extended.astype(np.int64) << 32


def previous_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Frame before each frame that has the same key [F], int64; -1 for the first of a key."""
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    previous = np.full(len(keys), -1)
    previous[order[1:][same]] = order[:-1][same]
    return previous


def log_intervals(recording: UnlabelledRecording) -> NDArray[np.float64]:
    """Logarithm of the time in seconds since the ID's frame before [F]; NaN for its first."""
    previous = previous_of(keys_of(recording))
    interval_s = np.maximum(recording.time - recording.time[previous], SHORTEST_S)
    return np.where(previous < 0, np.nan, np.log(interval_s))


def _nothing(ids: int) -> dict[str, NDArray[np.float64]]:
    """Bounds beyond which nothing lies."""
    return {"shortest": np.full(ids, -np.inf), "longest": np.full(ids, np.inf)}
