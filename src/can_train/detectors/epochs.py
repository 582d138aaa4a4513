"""Which windows an epoch trains on, in which order and how many at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

LARGEST_AUTOMATIC_BATCH: Final = 64
LEAST_STEPS_PER_EPOCH: Final = 50
SMALLEST_AUTOMATIC_BATCH: Final = 8

EpochWindows = Callable[[int], NDArray[np.int64]]
"""Windows of an epoch, in training order; a pure function of the epoch."""


def automatic_batch_size(windows: int) -> int:
    """64 windows per step, fewer where an epoch would have under 50 steps, at least 8."""
    fitting = windows // LEAST_STEPS_PER_EPOCH
    return max(SMALLEST_AUTOMATIC_BATCH, min(LARGEST_AUTOMATIC_BATCH, fitting))


def shuffled(windows: NDArray[np.int64], seed: int) -> EpochWindows:
    """All of `windows` each epoch, in an order that depends on (seed, epoch) alone."""
    return lambda epoch: np.random.default_rng([seed, epoch]).permutation(windows)


def repeated(windows: EpochWindows, again: NDArray[np.int64], seed: int) -> EpochWindows:
    """Those of each epoch, where they are among `again` twice, in an order of (seed, epoch)."""
    if not len(again):
        return windows

    def epoch_windows(epoch: int) -> NDArray[np.int64]:
        found = windows(epoch)
        twice = np.concatenate([found, found[np.isin(found, again)]])
        return np.random.default_rng([seed, epoch, len(twice)]).permutation(twice)

    return epoch_windows


def drawn(windows: EpochWindows, most: int | None, seed: int) -> EpochWindows:
    """At most `most` of the windows of each epoch, drawn from (seed, epoch), order kept."""
    if most is None:
        return windows

    def epoch_windows(epoch: int) -> NDArray[np.int64]:
        found = windows(epoch)
        if len(found) <= most:
            return found
        generator = np.random.default_rng([seed, epoch, most])
        return found[np.sort(generator.choice(len(found), most, replace=False))]

    return epoch_windows
