"""Another car, made from one: other IDs, periods, jitter and payload layout."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.bus import MOST_GENUINE_LOAD, load_of
from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.streams import CarTraffic, at_times, cleared
from can_train.frames.frame import EXTENDED_FLAG, MAX_EXTENDED_ID, MAX_STANDARD_ID, Frames

SLOWEST_AND_FASTEST: Final = Range(low=0.5, high=2.0)
"""Factor of all periods."""

JITTER: Final = Range(low=1e-3, high=0.13)
"""Standard deviation of an ID's jitter as a share of its own period."""

_SHARE_KEPT: Final = Range(low=0.45, high=1.0)
_FEWEST_IDS: Final = 6
_MOST_JITTER_S: Final = 0.05
_MOST_DEVIATIONS: Final = 3.0
_DROPS_IDS: Final = 0.6
_KEEPS_PRIORITIES: Final = 0.5
_JITTERS: Final = 0.6
_PERMUTES: Final = 0.5
_MASKS: Final = 0.3


def other_car(frames: Frames, rng: np.random.Generator) -> Frames:
    """Traffic of a car that doesn't exist.

    IDs are dropped and renamed (half of the cars keep the order of priorities), all periods
    multiplied by one factor, frames jittered by a share of their ID's period, payload bytes
    permuted and masked per ID. A standard ID stays standard, an extended one extended.

    Args:
        frames: Benign frames of one car (at least one).
        rng: Random numbers.

    Returns:
        Its frames, sorted, the first at 0 s; never more than were given.
    """
    car = CarTraffic.of(_with_fewer_ids(CarTraffic.of(frames), rng))
    return at_times(
        replace(
            car.frames,
            arbitration_id=renamed(car.ids, rng)[car.stream],
            payload=_disguised(car, rng),
        ),
        _rescaled(car, rng),
    )


def renamed(ids: NDArray[np.uint32], rng: np.random.Generator) -> NDArray[np.uint32]:
    """A new ID for each of the distinct, ascending `ids` [K]; none is given twice."""
    new = np.empty_like(ids)
    keeps_priorities = chance(rng, _KEEPS_PRIORITIES)
    extended = (ids & EXTENDED_FLAG) != 0
    for kind, most in ((~extended, MAX_STANDARD_ID), (extended, MAX_EXTENDED_ID)):
        drawn = rng.choice(most + 1, int(kind.sum()), replace=False).astype(np.uint32)
        new[kind] = np.sort(drawn) if keeps_priorities else drawn
    return np.where(extended, new | EXTENDED_FLAG, new).astype(np.uint32)


def _with_fewer_ids(car: CarTraffic, rng: np.random.Generator) -> Frames:
    """The car without some of its IDs, if enough are left."""
    kept = rng.random(len(car.ids)) < _SHARE_KEPT.uniform(rng)
    if not chance(rng, _DROPS_IDS) or kept.sum() < _FEWEST_IDS:
        return car.frames
    return car.frames[kept[car.stream]]


def _rescaled(car: CarTraffic, rng: np.random.Generator) -> NDArray[np.float64]:
    """New times [N] from about 0: another pace, which the bus has room for, and jitter."""
    fastest = min(load_of(car.frames) / MOST_GENUINE_LOAD, 1.0)
    time_s = car.frames.timestamp - car.frames.timestamp[0]
    time_s = time_s * SLOWEST_AND_FASTEST.at_least(fastest).log_uniform(rng)
    share = np.exp(rng.uniform(np.log(JITTER.low), np.log(JITTER.high), len(car.ids)))
    share[rng.random(len(car.ids)) >= _JITTERS] = 0.0
    scale = time_s[-1] / max(float(np.ptp(car.frames.timestamp)), 1e-9)
    period_s = scale * np.array([car.period_s(k) for k in range(len(car.ids))])
    deviation = np.clip(rng.standard_normal(len(time_s)), -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
    time_s = time_s + deviation * np.minimum(share * period_s, _MOST_JITTER_S)[car.stream]
    from_zero: NDArray[np.float64] = time_s - time_s.min()
    return from_zero


def _disguised(car: CarTraffic, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Payloads [N, P] with bytes permuted and masked per ID.

    Only the bytes that every frame of an ID has change places, so lengths stay true.
    """
    shape = (len(car.ids), car.frames.payload.shape[1])
    column = np.arange(shape[1])
    shortest = np.array([car.shortest_dlc(k) for k in range(len(car.ids))])
    stays = (column >= shortest[:, None]) | (rng.random(len(car.ids)) >= _PERMUTES)[:, None]
    # Keys below 1 are shuffled; the others are ascending and follow, each at its own place,
    # since those that stay are either all bytes of an ID or its last ones.
    places = np.argsort(np.where(stays, 1.0 + column, rng.random(shape)), axis=1)
    mask = rng.integers(0, 256, shape, dtype=np.uint8)
    mask[rng.random(len(car.ids)) >= _MASKS] = 0
    payload = np.take_along_axis(car.frames.payload, places[car.stream], axis=1)
    return cleared(payload ^ mask[car.stream], car.frames.dlc)
