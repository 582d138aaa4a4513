"""Attacks that add frames to the bus; one function per kind.

All take the same: the car, when and on which IDs the attack may happen, and random numbers. They
give frames labelled 1, or none where the car offers no occasion (`NOTHING`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.forgery import NOTHING, Forgery, Opening, sent
from can_train.dataset.augment.payloads import fixed, forged, random_bytes
from can_train.dataset.augment.streams import CarTraffic, take
from can_train.frames.frame import EXTENDED_FLAG, MAX_EXTENDED_ID, MAX_STANDARD_ID

SHORTEST_GAP_S: Final = 5e-4
"""Median of real floods: 0.56 ms (hcrl_sa), 0.61 ms (set_01)."""

FLOOD_GAP_S: Final = Range(low=SHORTEST_GAP_S, high=2e-3)
FUZZ_NEW_GAP_S: Final = Range(low=SHORTEST_GAP_S, high=0.2)
FUZZ_KNOWN_GAP_S: Final = Range(low=1e-3, high=0.5)
SWEEP_GAP_S: Final = Range(low=2e-3, high=0.08)
JITTER: Final = Range(low=0.01, high=0.26)
"""Spread of the gaps of one attack as a share of their mean; real floods have 0.19 to 0.26."""

MALFUNCTION_PERIOD: Final = Range(low=0.05, high=0.9)
"""Gap of a malfunction as a share of the ID's own period."""

SINGLE_FRAMES: Final = Range(low=1, high=40)
TARGETED_EVERY: Final = Range(low=1, high=40)
_AFTER_GENUINE_S: Final = 1.2e-4
_FUZZED_IDS: Final = Range(low=1, high=2048)
_DLC_OF_ATTACK_TOOLS: Final = 8
_STANDARD_SWEEP_START: Final = 0x700


def flood(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One ID of high priority that the car doesn't use, as often as the bus takes it."""
    form, lowest = rng.random(), int(car.ids[0])
    if form < 0.5 or lowest == 0:
        flooding = np.uint32(0)
    elif form < 0.8 and not lowest & EXTENDED_FLAG:
        flooding = np.uint32(rng.integers(0, lowest))
    else:
        flooding = _any_ids(1, car.sends_extended(rng), rng)[0]
    width = car.frames.payload.shape[1]
    time_s = _times(opening, _gap_s(car, FLOOD_GAP_S, rng), rng)
    blank = np.zeros(width, np.uint8)
    payload = (
        forged(blank, _DLC_OF_ATTACK_TOOLS, len(time_s), rng)
        if chance(rng, 0.5)
        else np.zeros((len(time_s), width), np.uint8)
    )
    return sent(time_s, flooding, payload, _DLC_OF_ATTACK_TOOLS)


def flood_known(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """An ID of the car, as often as the bus takes it."""
    return _of_one_id(car, opening, FLOOD_GAP_S, rng)


def fuzz_new(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """Any IDs with any payload; all of them, or a few again and again."""
    time_s = _times(opening, _gap_s(car, FUZZ_NEW_GAP_S, rng), rng)
    extended, repeats = car.sends_extended(rng), chance(rng, 0.3)
    ids = _any_ids(_FUZZED_IDS.whole(rng) if repeats else len(time_s), extended, rng)
    ids = rng.choice(ids, len(time_s)) if repeats else ids
    lengths = rng.choice(car.frames.dlc, len(time_s)) if chance(rng, 0.3) else _DLC_OF_ATTACK_TOOLS
    return sent(time_s, ids, random_bytes(len(time_s), car.frames.payload.shape[1], rng), lengths)


def fuzz_known(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """The car's own IDs and lengths with any payload."""
    time_s = _times(opening, _gap_s(car, FUZZ_KNOWN_GAP_S, rng), rng)
    chosen = rng.choice(np.flatnonzero(opening.victims), len(time_s))
    payload = random_bytes(len(time_s), car.frames.payload.shape[1], rng)
    return sent(time_s, car.ids[chosen], payload, _lengths(car)[chosen])


def malfunction(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One ID of the car, faster than its period, with one payload or a changing one."""
    victim = car.pick(opening.victims, rng)
    if victim is None:
        return NOTHING
    period_s = car.period_s(victim)
    gap_s = Range(low=period_s * MALFUNCTION_PERIOD.low, high=period_s * MALFUNCTION_PERIOD.high)
    return _of_victim(car, opening, victim, _times(opening, _gap_s(car, gap_s, rng), rng), rng)


def single(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One frame, or a few far apart, of one ID of the car."""
    victim = car.pick(opening.victims, rng)
    if victim is None:
        return NOTHING
    time_s = np.sort(rng.uniform(opening.start_s, opening.end_s, SINGLE_FRAMES.whole(rng)))
    return _of_victim(car, opening, victim, time_s, rng)


def targeted(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """Frames right after genuine ones of their ID, after each or every so many."""
    present = car.counts_between(opening.start_s, opening.end_s) > 0
    victim = car.pick(opening.victims & present, rng)
    if victim is None:
        return NOTHING
    genuine_s = car.times_s(victim)
    genuine_s = genuine_s[(genuine_s >= opening.start_s) & (genuine_s < opening.end_s)]
    genuine_s = genuine_s[:: min(TARGETED_EVERY.whole(rng), len(genuine_s))]
    most_s = car.period_s(victim) * (0.3 if chance(rng, 0.5) else 0.95)
    late = Range(low=_AFTER_GENUINE_S, high=max(most_s, _AFTER_GENUINE_S))
    return _of_victim(car, opening, victim, genuine_s + late.uniform(rng), rng)


def replay(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """Genuine frames of one ID, or of as many as the bus has room for, sent once more."""
    past_s = min(opening.end_s - opening.start_s, opening.start_s)
    rows = np.arange(len(car.stream))[car.between(opening.start_s - past_s, opening.start_s)]
    replayed = opening.victims & (np.bincount(car.stream[rows], minlength=len(car.ids)) > 0)
    if chance(rng, 0.6):
        victim = car.pick(replayed, rng)
        replayed = np.arange(len(car.ids)) == (-1 if victim is None else victim)
    elif car.bus.load > 0:
        replayed = replayed & (rng.random(len(car.ids)) < car.bus.room / car.bus.load)
    rows = rows[replayed[car.stream[rows]]]
    old = take(car.frames, rows)
    return sent(old.timestamp + past_s, old.arbitration_id, old.payload, old.dlc)


def sweep(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One ID after the other, upwards, each once or a few times."""
    time_s = _times(opening, _gap_s(car, SWEEP_GAP_S, rng), rng)
    step = np.arange(len(time_s)) // int(rng.choice([1, 1, 2, 5, 20]))
    if car.sends_extended(rng):
        ids = (rng.integers(0, MAX_EXTENDED_ID) + step) % (MAX_EXTENDED_ID + 1) | EXTENDED_FLAG
    else:
        ids = (rng.integers(0, _STANDARD_SWEEP_START) + step) % (MAX_STANDARD_ID + 1)
    payload = _sweep_payload(car, len(time_s), rng)
    return sent(time_s, ids.astype(np.uint32), payload, _DLC_OF_ATTACK_TOOLS)


def sweep_known(car: CarTraffic, opening: Opening, rng: np.random.Generator) -> Forgery:
    """One ID of the car after the other, upwards, each once or a few times."""
    time_s = _times(opening, _gap_s(car, SWEEP_GAP_S, rng), rng)
    known = np.flatnonzero(opening.victims)
    step = np.arange(len(time_s)) // int(rng.choice([1, 1, 5, 20]))
    chosen = known[(rng.integers(0, len(known)) + step) % len(known)]
    payload = _sweep_payload(car, len(time_s), rng)
    return sent(time_s, car.ids[chosen], payload, _lengths(car)[chosen])


def _of_one_id(
    car: CarTraffic, opening: Opening, gap_s: Range, rng: np.random.Generator
) -> Forgery:
    victim = car.pick(opening.victims, rng)
    if victim is None:
        return NOTHING
    return _of_victim(car, opening, victim, _times(opening, _gap_s(car, gap_s, rng), rng), rng)


def _of_victim(
    car: CarTraffic,
    opening: Opening,
    victim: int,
    time_s: NDArray[np.float64],
    rng: np.random.Generator,
) -> Forgery:
    """Forged frames of one of the car's IDs."""
    row = car.latest(victim, opening.start_s)
    dlc = int(car.frames.dlc[row])
    payload = forged(car.frames.payload[row], dlc, len(time_s), rng)
    return sent(time_s, car.ids[victim], payload, dlc)


def _gap_s(car: CarTraffic, gap_s: Range, rng: np.random.Generator) -> float:
    """A mean gap that the bus has room for."""
    extended = bool(car.ids[-1] & EXTENDED_FLAG)
    room_s = car.bus.shortest_gap_s(_DLC_OF_ATTACK_TOOLS, extended)
    return gap_s.at_least(max(room_s, SHORTEST_GAP_S)).log_uniform(rng)


def _times(opening: Opening, gap_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Times from the opening's start on, `gap_s` apart on average; at least one."""
    spread = JITTER.log_uniform(rng)
    steps = int((opening.end_s - opening.start_s) / gap_s)
    gaps_s = gap_s * rng.lognormal(-(spread**2) / 2, spread, steps)  # mean 1, never negative
    time_s = opening.start_s + np.concatenate([[0.0], np.cumsum(gaps_s)])
    return time_s[time_s < opening.end_s]


def _lengths(car: CarTraffic) -> NDArray[np.uint8]:
    """Length of the first frame of each ID [K]."""
    return car.frames.dlc[car.order[car.bounds[:-1]]]


def _any_ids(n: int, extended: bool, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Arbitrary IDs [n], all standard or all extended."""
    most = MAX_EXTENDED_ID if extended else MAX_STANDARD_ID
    ids = rng.integers(0, most + 1, n, dtype=np.uint32)
    return ids | EXTENDED_FLAG if extended else ids


def _sweep_payload(car: CarTraffic, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    width = car.frames.payload.shape[1]
    if chance(rng, 0.4):
        return random_bytes(n, width, rng)
    return fixed(np.zeros(width, np.uint8), _DLC_OF_ATTACK_TOOLS, n, rng)
