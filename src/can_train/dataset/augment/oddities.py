"""Benign oddities: everything that looks like an attack and is none. Labels stay 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment import habits
from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.streams import CarTraffic, at_times, by_time
from can_train.frames.frame import Frames

LOST_SHARE: Final = Range(low=1e-4, high=1e-2)
LATE_SHARE: Final = Range(low=1e-4, high=1e-2)
LATE_S: Final = Range(low=5e-4, high=2e-2)
"""Mean delay of delayed frames."""

CLOCK_STEP_S: Final = Range(low=1e-4, high=1e-2)
MOST_CLOCK_STEPS: Final = 2
HELD_UP_S: Final = Range(low=5e-3, high=5e-2)
MOST_HELD_UP: Final = 3
POLL_S: Final = Range(low=8e-4, high=5e-3)
BATCH_SPACING_S: Final = Range(low=2e-6, high=3e-5)
_TOGETHER_S: Final = 1.2e-4
"""Gap between the frames of a burst."""


def lost(frames: Frames, rng: np.random.Generator) -> Frames:
    """Some frames are missing, as a recorder that can't keep up leaves them out."""
    kept = rng.random(len(frames)) >= LOST_SHARE.log_uniform(rng)
    return frames[kept] if kept.any() else frames


def delayed(frames: Frames, rng: np.random.Generator) -> Frames:
    """Some frames are late, each by itself."""
    late = rng.random(len(frames)) < LATE_SHARE.log_uniform(rng)
    delay_s = late * rng.exponential(LATE_S.log_uniform(rng), len(frames))
    return at_times(frames, frames.timestamp + delay_s)


def bursts(frames: Frames, rng: np.random.Generator) -> Frames:
    """Some IDs (all behind one gateway) are held up for a moment and then come at once."""
    time_s = frames.timestamp.copy()
    ids = np.unique(frames.arbitration_id)
    for _ in range(int(rng.integers(1, MOST_HELD_UP + 1))):
        behind = ids[rng.random(len(ids)) < rng.uniform(0.2, 1.0)]
        start_s = rng.uniform(0.0, 1.0) * time_s[-1]
        first, last = np.searchsorted(
            frames.timestamp, [start_s, start_s + HELD_UP_S.log_uniform(rng)]
        )
        held = first + np.flatnonzero(np.isin(frames.arbitration_id[first:last], behind))
        if len(held):
            together_s = time_s[held[-1]] + _TOGETHER_S * np.arange(len(held))
            time_s[held] = np.maximum(time_s[held], together_s)
    return at_times(frames, time_s)


def clock_steps(frames: Frames, rng: np.random.Generator) -> Frames:
    """The recorder's clock is set forward or back by some milliseconds.

    Recorders don't let stamps run backwards: after a step back they stand still until the clock
    has caught up.
    """
    time_s = frames.timestamp.copy()
    for _ in range(int(rng.integers(1, MOST_CLOCK_STEPS + 1))):
        step_s = CLOCK_STEP_S.log_uniform(rng) * (1.0 if chance(rng, 0.5) else -1.0)
        time_s[int(rng.integers(0, len(frames))) :] += step_s
    held: NDArray[np.float64] = np.maximum.accumulate(np.maximum(time_s, 0.0))
    return replace(frames, timestamp=held)


def batches(frames: Frames, rng: np.random.Generator) -> Frames:
    """The recorder is polled, and stamps all frames since the last time one after the other.

    USB adapters do; in set_01 and set_04 half of all gaps are below 20 microseconds.
    """
    poll_s, spacing_s = POLL_S.log_uniform(rng), BATCH_SPACING_S.log_uniform(rng)
    poll = np.ceil(frames.timestamp / poll_s)
    place = np.arange(len(frames)) - np.searchsorted(poll, poll)
    spacing_s = np.minimum(spacing_s, poll_s / (place.max() + 1))
    return at_times(frames, poll * poll_s + place * spacing_s)


HABITS: Final[dict[str, Callable[[CarTraffic, np.random.Generator], CarTraffic]]] = {
    "on-change": habits.on_change,
    "rates": habits.rates,
    "signals": habits.signals,
    "checksums": habits.checksums,
}
"""What a car does, in the order in which it is done; each decides how often (maybe never)."""

RECORDER: Final[dict[str, Callable[[Frames, np.random.Generator], Frames]]] = {
    "lost": lost,
    "delayed": delayed,
    "bursts": bursts,
    "clock-steps": clock_steps,
    "batches": batches,
}
"""What gateways and recorders do to all of it; each is done in half of the recordings."""

_RECORDER_CHANCE: Final = 0.5


def odd(frames: Frames, rng: np.random.Generator) -> Frames:
    """Benign traffic with some oddities.

    Args:
        frames: Benign frames of one car from about 0 s on (at least one).
        rng: Random numbers.

    Returns:
        Its frames, sorted by time.
    """
    car = CarTraffic.of(frames)
    for habit in HABITS.values():
        car = habit(car, rng)
    frames = by_time(car.frames)
    for happens in RECORDER.values():
        if chance(rng, _RECORDER_CHANCE):
            frames = happens(frames, rng)
    return frames
