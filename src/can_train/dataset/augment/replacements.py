"""Attacks that keep genuine frames from the bus, and mostly send others in their place."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.forgery import NOTHING, Forgery, Opening, sent
from can_train.dataset.augment.injections import SHORTEST_GAP_S
from can_train.dataset.augment.payloads import fixed, forged, ramped
from can_train.dataset.augment.streams import CarTraffic

FEWEST_SUPPRESSED_FRAMES: Final = 3
"""An ID that misses less isn't missed."""

_MOST_SUPPRESSED_IDS: Final = 3
_OWN_CLOCKS: Final = (0.9, 1.0, 1.05, 1.1, 1.3)
"""Period of an attacker's clock as a share of the genuine one."""

_LATE_PERIOD: Final = Range(low=0.75, high=1.35)
_LATE_JITTER: Final = 0.02


def masquerade(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """Every frame of one ID is the attacker's.

    Times are the genuine ones, those moved within the period, or of a clock of the attacker's
    own; payloads are forged, frozen, taken from another time, or drift from the truth.
    """
    present = car.counts_between(opening.start_s, opening.end_s) > 0
    victim = car.pick(opening.victims & present, rng)
    if victim is None:
        return NOTHING
    rows = car.rows(victim)
    inside = (car.times_s(victim) >= opening.start_s) & (car.times_s(victim) < opening.end_s)
    removed = rows[inside]
    dlc = car.shortest_dlc(victim)
    keeps_times = chance(rng, 0.3) and dlc > 0
    time_s = (
        car.frames.timestamp[removed]
        if keeps_times
        else _own_times(car, opening, victim, removed, rng)
    )
    payload = _lies(car, opening, victim, len(time_s), rng)
    if keeps_times:
        payload = _different(payload, car.frames.payload[removed], dlc, rng)
    length = int(car.frames.dlc[car.latest(victim, opening.start_s)])
    return sent(time_s, car.ids[victim], payload, length, removed=removed)


def suppression(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One to three IDs fall silent; no frame tells of it, so no frame is labelled."""
    missed = car.counts_between(opening.start_s, opening.end_s) >= FEWEST_SUPPRESSED_FRAMES
    left = opening.victims & missed
    silent = np.zeros_like(left)
    for _ in range(int(rng.integers(1, _MOST_SUPPRESSED_IDS + 1))):
        victim = car.pick(left & ~silent, rng)
        if victim is not None and silent.sum() + 1 < len(silent):
            silent[victim] = True
    span = car.between(opening.start_s, opening.end_s)
    removed = span.start + np.flatnonzero(silent[car.stream[span]])
    return Forgery(added=None, removed=removed)


def late_id(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """An ID that is silent from the recording's start speaks up, and it is the attacker."""
    victim = car.pick(opening.victims & opening.untouched, rng)
    if victim is None or len(car.ids) == 1:
        return NOTHING
    gap_s = max(car.period_s(victim) * _LATE_PERIOD.log_uniform(rng), SHORTEST_GAP_S)
    time_s = _clocked(opening, gap_s, _LATE_JITTER, rng)
    payload = _lies(car, opening, victim, len(time_s), rng)
    length = int(car.frames.dlc[car.latest(victim, opening.start_s)])
    return sent(time_s, car.ids[victim], payload, length, removed=car.rows(victim))


def _own_times(
    car: CarTraffic,
    opening: Opening,
    victim: int,
    removed: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The genuine times moved by a share of the period, or those of another clock."""
    period_s = max(car.period_s(victim), SHORTEST_GAP_S)
    if chance(rng, 0.4):
        return _clocked(opening, period_s * float(rng.choice(_OWN_CLOCKS)), 0.0, rng)
    time_s = car.frames.timestamp[removed]
    spread = rng.uniform(0.0, 0.1) * rng.standard_normal(len(time_s))
    moved = time_s + (rng.uniform(-0.4, 0.4) + spread) * period_s
    return np.sort(np.clip(moved, opening.start_s, opening.end_s))


def _clocked(
    opening: Opening, gap_s: float, jitter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Regular times through the opening; at least one."""
    ticks = opening.start_s + gap_s * np.arange(1 + int((opening.end_s - opening.start_s) / gap_s))
    late_s = gap_s * jitter * np.abs(rng.standard_normal(len(ticks)))
    return np.sort(np.minimum(ticks + late_s, opening.end_s))


def _lies(
    car: CarTraffic, opening: Opening, victim: int, n: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Payloads in one ID's name [n, P]."""
    rows = car.rows(victim)
    dlc = car.shortest_dlc(victim)
    base = car.frames.payload[car.latest(victim, opening.start_s)]
    form = rng.random()
    if form < 0.35:
        return forged(base, dlc, n, rng)
    if form < 0.5:
        return np.repeat(base[None], n, axis=0)
    if form < 0.75:
        begin = int(rng.integers(0, len(rows)))
        return car.frames.payload[rows[(begin + np.arange(n)) % len(rows)]]
    now = int(np.searchsorted(car.frames.timestamp[rows], opening.start_s))
    truth = car.frames.payload[rows[np.minimum(now + np.arange(n), len(rows) - 1)]]
    return ramped(truth, dlc, rng)


def _different(
    payload: NDArray[np.uint8],
    genuine: NDArray[np.uint8],
    dlc: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The payloads [n, P], or forged ones if they equal what they replace.

    A frame with the genuine time and payload would be labelled an attack and be none.
    """
    same = (payload == genuine).all(axis=1)
    if not same.any():
        return payload
    lie = fixed(genuine[0], dlc, 1, rng)[0] ^ genuine[0]
    if not lie[:dlc].any():
        lie[rng.integers(0, dlc)] = rng.integers(1, 256)
    return np.where(same[:, None], genuine ^ lie, payload)
