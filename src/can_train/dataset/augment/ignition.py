"""A car that is switched on while it is recorded: its control units wake up group by group."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.streams import CarTraffic
from can_train.frames.frame import Frames

MOST_GROUPS: Final = 3
AWAKE: Final = Range(low=0.15, high=0.6)
"""Share of IDs that are sent from the start."""

WAKES_AT: Final = Range(low=0.03, high=0.7)
"""When a group wakes up, as a share of the recording."""

_FIRST_FRAME_S: Final = Range(low=0.02, high=1.0)
"""Mean time from there to an ID's first frame."""

_STARTS_S: Final = Range(low=0.05, high=3.0)
"""How long a control unit has no values to send yet."""

_HAS_NO_VALUES: Final = 0.5
_FALLS_ASLEEP: Final = 0.3
_ASLEEP_AT: Final = Range(low=0.75, high=1.0)
_ASLEEP: Final = Range(low=0.3, high=0.9)
_FEWEST_FRAMES: Final = 200


def ignition(frames: Frames, rng: np.random.Generator) -> Frames:
    """The traffic of a car that is switched on, and maybe off again, while it is recorded.

    Args:
        frames: Benign frames of one car from about 0 s on (at least one).
        rng: Random numbers.

    Returns:
        Those that are sent; the first payloads of some IDs that wake up are all zeros or all ones.
        All frames as they were, where hardly any would be left.
    """
    car = CarTraffic.of(frames)
    start_s = _starts(car, rng)
    end_s = _ends(car, rng)
    values_s = start_s + _without_values_s(len(car.ids), rng) * (start_s > 0.0)
    empty = np.where(rng.random(len(car.ids)) < 0.5, 0, 255).astype(np.uint8)
    time_s, k = car.frames.timestamp, car.stream
    within = np.arange(car.frames.payload.shape[1]) < car.frames.dlc[:, None]
    is_empty = within & (time_s < values_s[k])[:, None]
    payload = np.where(is_empty, empty[k][:, None], car.frames.payload)
    sent = (time_s >= start_s[k]) & (time_s < end_s[k])
    if np.count_nonzero(sent) < _FEWEST_FRAMES:
        return frames
    return replace(car.frames, payload=payload)[sent]


def _starts(car: CarTraffic, rng: np.random.Generator) -> NDArray[np.float64]:
    """When each ID is first sent [K], in seconds; 0 for those that never slept."""
    ids, groups = len(car.ids), int(rng.integers(1, MOST_GROUPS + 1))
    sleeps = rng.random(ids) >= AWAKE.uniform(rng)
    wakes_s = car.duration_s * np.array([WAKES_AT.uniform(rng) for _ in range(groups)])
    first_s = rng.exponential(_FIRST_FRAME_S.log_uniform(rng), ids)
    start_s: NDArray[np.float64] = sleeps * (wakes_s[rng.integers(0, groups, ids)] + first_s)
    return start_s


def _ends(car: CarTraffic, rng: np.random.Generator) -> NDArray[np.float64]:
    """When each ID falls asleep [K], in seconds; infinite for those that don't."""
    end_s = np.full(len(car.ids), np.inf)
    if chance(rng, _FALLS_ASLEEP):
        asleep = rng.random(len(car.ids)) < _ASLEEP.uniform(rng)
        end_s[asleep] = _ASLEEP_AT.uniform(rng) * car.duration_s
    return end_s


def _without_values_s(ids: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """For how long each of the IDs sends no values when it wakes up [K]."""
    for_s = np.array([_STARTS_S.log_uniform(rng) for _ in range(ids)])
    for_s[rng.random(ids) >= _HAS_NO_VALUES] = 0.0
    return for_s
