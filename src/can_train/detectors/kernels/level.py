"""Jitted median of the scores of a recording so far."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.compiled import compiled

STEPS: Final = 256
"""Counted depths below the level up to which a recording is calm."""

WARM_UP_WINDOWS: Final = 20
"""Before so many windows a recording's median says nothing."""

MEMORY_WINDOWS: Final = 4096
"""Counts are halved when they come to so many: what is longer ago weighs less and less."""


@compiled()
def add_calm(
    score: NDArray[np.float64],
    level: float,
    step: float,
    counts: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Adds to each score what the median of all before it lies below the level.

    Args:
        score: Scores of the next windows of one recording, by time [B].
        level: Median up to which a recording is calm.
        step: Width of a counted depth; the median is known as exactly.
        counts: Scores so far by their depth below the level, from 0 on, then how many windows they
            are [`STEPS` + 1]; is brought up to date.
        out: Is filled [B].
    """
    for i in range(len(score)):
        out[i] = score[i]
        total = 0
        for depth in range(STEPS):
            total += counts[depth]
        if counts[STEPS] >= WARM_UP_WINDOWS:
            below, depth = 0, STEPS
            while 2 * below < total:
                depth -= 1
                below += counts[depth]
            out[i] += depth * step
        if not np.isnan(score[i]):
            deep = np.floor((level - score[i]) / step)
            counts[int(min(max(deep, 0.0), STEPS - 1.0))] += 1
            total += 1
        counts[STEPS] = min(counts[STEPS] + 1, WARM_UP_WINDOWS)
        if total >= MEMORY_WINDOWS:
            for depth in range(STEPS):
                counts[depth] //= 2
