"""Unusual things that benign cars do: hard negatives in how IDs are sent and what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.streams import CarTraffic, by_time, join, take
from can_train.frames.frame import Frames

MOST_ON_CHANGE: Final = 4
MOST_SIGNALS: Final = 6
MOST_CHECKSUMS: Final = 2
MOST_RATES: Final = 2

_SHORTEST_ON_CHANGE_PERIOD_S: Final = 0.045
"""Faster IDs don't need to tell of changes at once."""

_FEWEST_FRAMES: Final = 10
_CHANGE_EVERY_S: Final = Range(low=1.0, high=20.0)
_BLINK_S: Final = Range(low=0.2, high=1.5)
_BLINKS: Final = Range(low=2, high=24)
_MOST_REPEATS: Final = 3
_REPEAT_S: Final = Range(low=0.02, high=0.05)

_WAVE_S: Final = Range(low=0.37, high=20.0)
_WAVE_HEIGHT: Final = Range(low=2.0, high=120.0)
_WALK_STEP: Final = Range(low=0.22, high=4.5)
_MOVES_S: Final = Range(low=0.5, high=30.0)
_RISES_S: Final = Range(low=0.1, high=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Toggle:
    """A flag of one ID that changes now and then."""

    victim: int
    time_s: NDArray[np.float64]
    bits: NDArray[np.uint8]

    def on(self, at_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the flag is set at these times."""
        on: NDArray[np.bool_] = np.searchsorted(self.time_s, at_s, side="right") % 2 == 1
        return on


def on_change(car: CarTraffic, rng: np.random.Generator) -> CarTraffic:
    """IDs that are cyclic, and sent at once (one to three times) when a flag in them changes."""
    payload, events = car.frames.payload.copy(), []
    # Each at most once: the events of one flag don't know of another.
    for victim in rng.permutation(len(car.ids))[: rng.integers(0, MOST_ON_CHANGE + 1)].tolist():
        rows = car.rows(victim)
        slow = car.period_s(victim) >= _SHORTEST_ON_CHANGE_PERIOD_S
        if len(rows) < _FEWEST_FRAMES or not slow or not car.shortest_dlc(victim):
            continue
        toggle = _toggle(car, victim, rng)
        payload[rows] ^= toggle.on(car.frames.timestamp[rows])[:, None] * toggle.bits
        events.append(_events(car, toggle, rng))
    if not events:
        return car
    return CarTraffic.of(by_time(join([replace(car.frames, payload=payload), *events])))


def rates(car: CarTraffic, rng: np.random.Generator) -> CarTraffic:
    """IDs that start late, stop, or are sent half or twice as often from some time on."""
    kept, faster = np.ones(len(car.frames), np.bool_), []
    for _ in range(int(rng.integers(0, MOST_RATES + 1))):
        rows = car.rows(int(rng.integers(0, len(car.ids))))
        time_s = car.frames.timestamp[rows]
        turn_s, form = rng.uniform(0.05, 1.0) * car.duration_s, rng.random()
        then = rows[time_s >= turn_s] if chance(rng, 0.5) else rows[time_s < turn_s]
        if form < 0.3:
            kept[rows[time_s < 0.3 * turn_s]] = False
        elif form < 0.55:
            kept[rows[time_s > turn_s]] = False
        elif form < 0.8:
            kept[then[::2]] = False
        else:
            faster.append(_halfway(car, then))
    if kept.all() and not faster or not kept.any():
        return car
    return CarTraffic.of(by_time(join([car.frames[kept], *faster])))


def signals(car: CarTraffic, rng: np.random.Generator) -> CarTraffic:
    """Bytes that begin to move (a drive starts), and rest again or don't."""
    payload = car.frames.payload.copy()
    for _ in range(int(rng.integers(0, MOST_SIGNALS + 1))):
        victim = int(rng.integers(0, len(car.ids)))
        start_s = rng.uniform(0.02, 1.0) * car.duration_s
        end_s = np.inf if chance(rng, 0.5) else start_s + _MOVES_S.log_uniform(rng)
        time_s, dlc = car.times_s(victim), car.shortest_dlc(victim)
        moving = (time_s >= start_s) & (time_s < end_s)
        if not dlc or not moving.any():
            continue
        rows = car.rows(victim)[moving]
        value = _movement(time_s[moving] - start_s, rng)
        byte = int(rng.integers(0, dlc))
        payload[rows, byte] += (value % 256).astype(np.uint8)
        if byte and chance(rng, 0.4):
            payload[rows, byte - 1] += (value // 256 % 256).astype(np.uint8)
    return car.with_payload(payload)


def checksums(car: CarTraffic, rng: np.random.Generator) -> CarTraffic:
    """A byte that depends on all others, as checksums do: their sum or XOR."""
    payload = car.frames.payload.copy()
    for _ in range(int(rng.integers(0, MOST_CHECKSUMS + 1))):
        victim = int(rng.integers(0, len(car.ids)))
        rows, dlc = car.rows(victim), car.shortest_dlc(victim)
        if dlc < 2:
            continue
        byte = dlc - 1 if chance(rng, 0.7) else int(rng.integers(0, dlc))
        payload[rows, byte] = rng.integers(0, 256)
        whole = payload[rows, :dlc]
        payload[rows, byte] = (
            whole.sum(axis=1, dtype=np.uint8)
            if chance(rng, 0.5)
            else np.bitwise_xor.reduce(whole, axis=1)
        )
    return car.with_payload(payload)


def _toggle(car: CarTraffic, victim: int, rng: np.random.Generator) -> _Toggle:
    """One or two bits that change singly, or blink for a while, through the recording."""
    time_s: list[float] = []
    at_s = rng.uniform(0.0, 0.25) * car.duration_s
    while at_s < car.duration_s:
        blinks = 1 if chance(rng, 0.3) else _BLINKS.whole(rng)
        time_s += (at_s + _BLINK_S.log_uniform(rng) * np.arange(blinks)).tolist()
        at_s = time_s[-1] + _CHANGE_EVERY_S.log_uniform(rng)
    bits = np.zeros(car.frames.payload.shape[1], np.uint8)
    for _ in range(1 + chance(rng, 0.4)):
        bits[rng.integers(0, car.shortest_dlc(victim))] |= np.uint8(1 << rng.integers(0, 8))
    changes = np.array(time_s)
    return _Toggle(victim=victim, time_s=changes[changes < car.duration_s], bits=bits)


def _events(car: CarTraffic, toggle: _Toggle, rng: np.random.Generator) -> Frames:
    """Frames that tell of changes: the latest cyclic one with the new flag."""
    repeats = int(rng.integers(1, _MOST_REPEATS + 1))
    time_s = toggle.time_s[:, None] + _REPEAT_S.uniform(rng) * np.arange(repeats)
    time_s = np.sort(time_s[time_s < car.duration_s])
    rows = car.rows(toggle.victim)
    before = np.searchsorted(car.frames.timestamp[rows], time_s, side="right") - 1
    latest = take(car.frames, rows[np.maximum(before, 0)])
    payload = latest.payload ^ (toggle.on(time_s)[:, None] * toggle.bits)
    return replace(latest, timestamp=time_s, payload=payload)


def _halfway(car: CarTraffic, rows: NDArray[np.int64]) -> Frames:
    """Copies of the frames at `rows` (but the last), each halfway to the next one."""
    time_s = car.frames.timestamp[rows]
    return replace(take(car.frames, rows[:-1]), timestamp=(time_s[:-1] + time_s[1:]) / 2)


def _movement(since_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """How far a signal is from its rest, in steps of its byte: a wave, a walk, a count, noise."""
    form, n = rng.random(), len(since_s)
    if form < 0.45:
        wave = 1.0 - np.cos(2 * np.pi * since_s / _WAVE_S.log_uniform(rng))
        rise = np.minimum(since_s / _RISES_S.uniform(rng), 1.0)
        return (_WAVE_HEIGHT.uniform(rng) * wave * rise).astype(np.int64)
    if form < 0.75:
        walk = np.cumsum(rng.standard_normal(n)) * _WALK_STEP.log_uniform(rng)
        return walk.astype(np.int64)
    if form < 0.9:
        return np.arange(n) % (4 if chance(rng, 0.5) else 16)
    return rng.integers(0, 256, n)
