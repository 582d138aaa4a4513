"""Scores of a recording against its own usual level: what is calm is judged more strictly.

The stored threshold holds for cars that are odder than most. On a car whose windows score far
below those of others, an attack of single frames stays below it, though it stands out by far from
all that the car ever sends. So what a recording's running median lies below the level of usual
recordings is added to its scores. It only ever adds, an attack can't make more of it, and one that
goes on for most of a recording takes no more than that away.

What stays below the threshold is then ranked by doubt, which decides no alarm: taken off before, it
would make recordings seem calm (docs/decisions/0028).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.detectors.calibration import Threshold
from can_train.detectors.kernels.level import STEPS, add_calm

MOST_DOUBT: Final = 3.0
"""So many times what a score lies below its threshold are taken off at most: nothing jumps."""


class Levelling:
    """Follows the scores of one recording.

    Args:
        threshold: Of the scorer; without a `level` nothing is added.
    """

    def __init__(self, threshold: Threshold) -> None:
        self._threshold = threshold.value
        self._level = threshold.level
        self._step = threshold.level_step
        self._counts = np.zeros(STEPS + 1, np.int64)
        self._one, self._out = np.zeros(1), np.zeros(1)

    def follow(self, score: NDArray[np.float64], doubt: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of the next windows, by time [B], with what is added to them and taken off [B]."""
        return self.doubted(self.add(score), doubt)

    def add(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of the next windows, by time [B], with what is added to them alone [B]."""
        scores = np.ascontiguousarray(score, np.float64)
        if self._level is None:
            return scores
        out = np.empty(len(scores))
        add_calm(scores, self._level, self._step, self._counts, out)
        return out

    def doubted(
        self, score: NDArray[np.float64], doubt: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Scores that hold what is added [B], with what is taken off them [B]."""
        below = MOST_DOUBT * np.maximum(self._threshold - score, 0.0)
        found: NDArray[np.float64] = score - np.minimum(doubt, below)
        return found

    def follow_one(self, score: float, doubt: float) -> float:
        """The same of one window."""
        out = score
        if self._level is not None:
            self._one[0] = score
            add_calm(self._one, self._level, self._step, self._counts, self._out)
            out = float(self._out[0])
        return out - min(doubt, MOST_DOUBT * max(self._threshold - out, 0.0))


def levelled(
    score: NDArray[np.float64],
    doubt: NDArray[np.float64],
    recording: NDArray[np.integer],
    threshold: Threshold,
) -> NDArray[np.float64]:
    """Scores of windows of several recordings [B] against the level of each.

    Args:
        score: Scores, those of a recording by time [B].
        doubt: What is taken off those that stay below the threshold [B].
        recording: Which recording each is of [B].
        threshold: Of the scorer.
    """
    found = np.empty(len(score))
    for number in np.unique(recording):
        inside = recording == number
        found[inside] = Levelling(threshold).follow(score[inside], doubt[inside])
    return found
