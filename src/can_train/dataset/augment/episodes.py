"""Puts episodes of attacks into a car's traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.attacks import ATTACKS, KINDS, SUPPRESSION
from can_train.dataset.augment.bus import waiting_s
from can_train.dataset.augment.draws import Range
from can_train.dataset.augment.forgery import Forgery, Opening
from can_train.dataset.augment.streams import CarTraffic, join, take
from can_train.frames.frame import Frames

BENIGN: Final = -1
"""Kind of a frame that belongs to no episode."""

_GOLDEN: Final = 0.6180339887498949
_WARM_UP_SHARE: Final = 0.25
_LAST_QUIET_SHARE: Final = 0.02
_CLOCK_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One attack of a recording.

    Attributes:
        kind: Name of its kind.
        start_s: Time of its first frame; of a suppression the first frame that is missing.
        end_s: Time of its last frame; of a suppression the frame with which the last ID is back.
        ids: Arbitration IDs that it sends or suppresses, ascending.
    """

    kind: str
    start_s: float
    end_s: float
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often and how long attacks are.

    Attributes:
        warm_up_s: Benign traffic before the first episode; at most a quarter of the recording.
        episode_s: Length of an episode.
        quiet_s: From the end of one to the start of the next.
        in_turn: Whether kinds follow each other as in the table; else they come by weight.
    """

    warm_up_s: Range
    episode_s: Range
    quiet_s: Range
    in_turn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """Traffic with attacks in it.

    Attributes:
        frames: N frames, sorted by time, labelled.
        episodes: The attacks, by time.
        kind_of_frame: Index into `attacks.KINDS` of each frame, or `BENIGN` [N], int8.
    """

    frames: Frames
    episodes: tuple[Episode, ...]
    kind_of_frame: NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    kind: int
    forgery: Forgery


def attack(
    car: CarTraffic,
    rhythm: Rhythm,
    kinds: Sequence[str],
    turn: int,
    rng: np.random.Generator,
) -> Attacked:
    """Attacks a car again and again.

    Injected frames take their turn on the bus, so genuine ones are late during a flood. Stamps
    are whole microseconds, as recorders write them.

    Args:
        car: Benign traffic from about 0 s on.
        rhythm: How often and how long.
        kinds: Names of the kinds that may occur; none: the traffic stays benign.
        turn: Which kind comes first, where kinds come in turn.
        rng: Random numbers.
    """
    planned = list(_planned(car, rhythm, kinds, turn, rng)) if kinds else []
    gone = np.zeros(len(car.frames), np.bool_)
    for plan in planned:
        gone[plan.forgery.removed] = True
    added = [plan.forgery.added for plan in planned]
    numbers = [np.full(len(part), i) for i, part in enumerate(added) if part is not None]
    episode = np.concatenate([np.full(int((~gone).sum()), BENIGN), *numbers])
    frames = join([car.frames[~gone], *(part for part in added if part is not None)])
    frames, order = _on_one_bus(car, frames)
    return _described(car, planned, frames, episode[order])


def kinds_by_weight(kinds: Sequence[str], rng: np.random.Generator) -> Iterator[int]:
    """Kinds (indices into `KINDS`) without end, each as often as it weighs.

    Steps of the golden ratio through the weights, in an order of the recording's own: any few in
    a row are as different as can be.
    """
    known = rng.permutation([KINDS.index(kind) for kind in kinds]).tolist()
    upper = np.cumsum([ATTACKS[kind].weight for kind in known])
    at = rng.random()
    while True:
        chosen = int(np.searchsorted(upper, at * upper[-1], side="right"))
        yield known[min(chosen, len(known) - 1)]
        at = (at + _GOLDEN) % 1.0


def kinds_in_turn(kinds: Sequence[str], turn: int) -> Iterator[int]:
    """Kinds (indices into `KINDS`) without end, one after the other from number `turn` on."""
    while True:
        yield KINDS.index(kinds[turn % len(kinds)])
        turn += 1


def _planned(
    car: CarTraffic, rhythm: Rhythm, kinds: Sequence[str], turn: int, rng: np.random.Generator
) -> Iterator[_Planned]:
    """Episodes one after the other till the recording ends."""
    order = kinds_in_turn(kinds, turn) if rhythm.in_turn else kinds_by_weight(kinds, rng)
    victims = np.ones(len(car.ids), np.bool_)
    untouched = victims.copy()
    start_s = rhythm.warm_up_s.at_most(_WARM_UP_SHARE * car.duration_s).uniform(rng)
    last_s = (1.0 - _LAST_QUIET_SHARE) * car.duration_s
    while start_s < last_s and victims.any():
        end_s = min(start_s + rhythm.episode_s.log_uniform(rng), car.duration_s)
        opening = Opening(start_s=start_s, end_s=end_s, victims=victims, untouched=untouched)
        kind = next(order)
        forgery = ATTACKS[kind].make(car, opening, rng)
        if forgery.added is not None or len(forgery.removed):
            yield _Planned(kind=kind, forgery=forgery)
            removed = np.bincount(car.stream[forgery.removed], minlength=len(car.ids))
            victims = victims & (removed < car.counts)
            spoken = np.isin(car.ids, _ids_of(car, forgery))
            untouched = untouched & victims & ~spoken
        start_s = end_s + rhythm.quiet_s.uniform(rng)


def _on_one_bus(car: CarTraffic, frames: Frames) -> tuple[Frames, NDArray[np.int64]]:
    """The frames when the bus was free for them, sorted, and the rows that they had.

    A genuine frame is late by what the attack adds to its waiting: what it waited for other
    genuine frames is in its stamp already.
    """
    order = np.argsort(frames.timestamp, kind="stable")
    frames = take(frames, order)
    genuine = frames.label == 0
    duration_s = car.bus.duration_s(frames)
    late_s = waiting_s(frames.timestamp, duration_s)
    alone_s = waiting_s(frames.timestamp[genuine], duration_s[genuine])
    late_s[genuine] = np.maximum(late_s[genuine] - alone_s, 0.0)
    time_s = np.round(frames.timestamp + late_s, _CLOCK_DECIMALS)
    again = np.argsort(time_s, kind="stable")
    return take(replace(frames, timestamp=time_s), again), order[again]


def _described(
    car: CarTraffic, planned: Sequence[_Planned], frames: Frames, episode: NDArray[np.int64]
) -> Attacked:
    kinds = np.array([*(plan.kind for plan in planned), BENIGN], np.int8)
    kind_of_frame = kinds[episode]
    episodes = []
    for number, plan in enumerate(planned):
        if plan.forgery.added is None:
            span = _silence(car, plan, frames)
            inside = (frames.timestamp >= span.start_s) & (frames.timestamp <= span.end_s)
            kind_of_frame[inside & (episode == BENIGN)] = SUPPRESSION
        else:
            time_s = frames.timestamp[episode == number]
            span = _episode(car, plan, float(time_s[0]), float(time_s[-1]))
        episodes.append(span)
    return Attacked(frames=frames, episodes=tuple(episodes), kind_of_frame=kind_of_frame)


def _silence(car: CarTraffic, plan: _Planned, frames: Frames) -> Episode:
    """From the first missing frame to the one with which the last ID is back.

    That frame is part of it, since only its late return betrays the silence of a slow ID. One that
    never comes back is missing until the end.
    """
    removed = plan.forgery.removed
    start_s, end_s = (float(car.frames.timestamp[row]) for row in (removed[0], removed[-1]))
    later = slice(int(np.searchsorted(frames.timestamp, end_s)), None)
    for arbitration_id in _ids_of(car, plan.forgery):
        back = np.flatnonzero(frames.arbitration_id[later] == arbitration_id)
        end_s = max(end_s, float(frames.timestamp[later][back[0] if len(back) else -1]))
    return _episode(car, plan, start_s, end_s)


def _episode(car: CarTraffic, plan: _Planned, start_s: float, end_s: float) -> Episode:
    ids = tuple(_ids_of(car, plan.forgery).tolist())
    return Episode(kind=KINDS[plan.kind], start_s=start_s, end_s=end_s, ids=ids)


def _ids_of(car: CarTraffic, forgery: Forgery) -> NDArray[np.uint32]:
    """IDs that an attack sends, or else suppresses, ascending."""
    if forgery.added is not None:
        return np.unique(forgery.added.arbitration_id)
    return car.ids[np.unique(car.stream[forgery.removed])]
