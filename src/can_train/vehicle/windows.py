"""Scores of windows from what is said of their frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.vehicle.profile import SILENT, VehicleProfile
from can_train.vehicle.watch import VehicleWatch


def frame_scores(profiles: Sequence[VehicleProfile], frames: Frames) -> NDArray[np.float64]:
    """The largest deviation of each frame [N] from the profile of the vehicle that it is of.

    Args:
        profiles: Of several vehicles; those that it isn't of say nothing.
        frames: A recording from its first frame on.

    Returns:
        In units of what is usual, `SILENT` where no profile says anything.
    """
    score = np.full(len(frames), SILENT)
    for profile in profiles:
        np.maximum(score, VehicleWatch(profile).follow(frames).score, out=score)
    return score


def largest_in(
    score: NDArray[np.float64], start: NDArray[np.int64], window: int
) -> NDArray[np.float64]:
    """Largest score [N] within each window of `window` frames from `start` [B] on."""
    if not len(start):
        return np.zeros(0)
    ends = np.stack([start, start + window], axis=1).ravel()
    found: NDArray[np.float64] = np.maximum.reduceat(np.append(score, SILENT), ends)[::2]
    return found
