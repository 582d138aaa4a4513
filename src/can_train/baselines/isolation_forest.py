"""An isolation forest on what a window of frames looks like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from can_train.baselines.interval_rule import keys_of, log_intervals, previous_of
from can_train.baselines.recording import UnlabelledRecording

TREES: Final = 100
"""As Liu, Ting and Zhou have it (Isolation Forest, ICDM 2008)."""


class FrameIsolationForest:
    """Scores a window by how few random cuts set it apart from benign windows.

    A window is described by mean, smallest and largest value of what its frames show: the time
    since the bus's last frame; that since the ID's last frame, against the ID's median (an unknown
    ID's against that of all IDs); how many frames lie in between; and the share of payload bytes
    that changed since then. The forest cuts only where benign windows differ, so that an unknown ID
    has to show in these.
    """

    name: Final = "isolation-forest"

    def __init__(self) -> None:
        self._key, self._median, self._middle = np.zeros(0, np.int64), np.zeros(0), 0.0
        self._forest = IsolationForest(n_estimators=TREES)

    def fit(self, recordings: Sequence[UnlabelledRecording]) -> None:
        """Learns the median interval of every ID, then benign windows."""
        keys = np.concatenate([keys_of(each) for each in recordings])
        intervals = np.concatenate([log_intervals(each) for each in recordings])
        known = ~np.isnan(intervals)
        order = np.lexsort((intervals[known], keys[known]))
        ranked = intervals[known][order]
        self._key, first, count = np.unique(
            keys[known][order], return_index=True, return_counts=True
        )
        self._median, self._middle = ranked[first + count // 2], float(np.median(ranked))
        self._forest.fit(np.concatenate([self._windows(each) for each in recordings]))

    def score(self, recording: UnlabelledRecording) -> NDArray[np.float64]:
        """A score per window [B]; 0.5 is a usual one, 1 one that stands alone."""
        return np.asarray(-self._forest.score_samples(self._windows(recording)), np.float64)

    def _windows(self, recording: UnlabelledRecording) -> NDArray[np.float64]:
        """What each window looks like [B, 12]."""
        starts, window = recording.starts, recording.window
        columns = []
        for values in self._frames(recording):
            columns += [
                over_windows(np.add, values, starts, window) / window,
                over_windows(np.minimum, values, starts, window),
                over_windows(np.maximum, values, starts, window),
            ]
        return np.stack(columns, axis=1)

    def _frames(self, recording: UnlabelledRecording) -> tuple[NDArray[np.float64], ...]:
        """What each frame shows, four times [F]; the first of an ID what is usual."""
        keys = keys_of(recording)
        previous = previous_of(keys)
        at = np.minimum(np.searchsorted(self._key, keys), len(self._key) - 1)
        median = np.where(self._key[at] == keys, self._median[at], self._middle)
        gap_s = np.diff(recording.time)
        return (
            np.append(gap_s[:1], gap_s),
            _filled(log_intervals(recording) - median, previous),
            _filled(np.log(np.arange(len(keys)) - previous), previous),
            _filled((recording.payload != recording.payload[previous]).mean(axis=1), previous),
        )


def _filled(values: NDArray[np.float64], previous: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values [F] with the median in place of those of frames without one before."""
    first = previous < 0
    return np.where(first, 0.0 if first.all() else np.median(values[~first]), values)


def over_windows(
    reduce: np.ufunc, values: NDArray[np.float64], starts: NDArray[np.int64], window: int
) -> NDArray[np.float64]:
    """What a function of two (`np.add`, `np.maximum`, ...) makes of the frames of each window [B].

    Args:
        reduce: The function.
        values: Of each frame [F].
        starts: First frame of each window [B]; all windows lie within the frames.
        window: Frames of a window.
    """
    ends = np.stack([starts, starts + window], axis=1).ravel()
    padded = np.append(values, 0.0)  # the last window may end with the frames
    return np.asarray(reduce.reduceat(padded, ends)[::2], np.float64)
