"""Makes the recordings of a synthetic universe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.cars import SLOWEST_AND_FASTEST, other_car
from can_train.dataset.augment.draws import Range, chance
from can_train.dataset.augment.episodes import Episode, Rhythm, attack
from can_train.dataset.augment.ignition import ignition
from can_train.dataset.augment.oddities import odd
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.streams import CarTraffic, by_time
from can_train.errors import DataError, counted
from can_train.frames.frame import Frames

_WARM_UP_S: Final = Range(low=2.0, high=8.0)
_SHORT_QUIET_S: Final = Range(low=0.5, high=5.0)
_LONG_QUIET_S: Final = Range(low=2.0, high=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSource:
    """A stretch of one training recording without an attack frame.

    Attributes:
        frames: Its frames, in recording order.
        vehicle: The car that was recorded.
    """

    frames: Frames
    vehicle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticRecording:
    """One recording of a universe.

    A suppression can't be labelled: the frames of its time carry its kind and label 0. Windows
    that hold such frames and no attack frame are neither benign nor attack: leave them out.

    Attributes:
        frames: N frames from about 0 s on, sorted by time, injected ones labelled 1.
        episodes: The attacks, by time.
        kind_of_frame: Index into `attacks.KINDS`, -1 for benign frames [N], int8.
        vehicle: The source's, or a name that no other recording has if it is another car.
        attack_windows: Share of the attack windows to train on.
    """

    frames: Frames
    episodes: tuple[Episode, ...]
    kind_of_frame: NDArray[np.int8]
    vehicle: str
    attack_windows: float


def recordings(
    sources: Sequence[TrafficSource], universe: Universe, recipe: Recipe
) -> Iterator[SyntheticRecording]:
    """All recordings of a universe, one after the other.

    Sources take turns; long recordings come from those that are long enough, if there are any.

    Args:
        sources: Stretches of the training side (at least one).
        universe: Which universe.
        recipe: What it holds; where all sources are of one vehicle all recordings are of others.

    Raises:
        DataError: A source holds attack frames or nothing, or there is none.
    """
    if not sources:
        raise DataError("no benign stretch of a training recording to make synthetic ones from")
    recipe = recipe.for_vehicles(len({source.vehicle for source in sources}))
    ample = [source for source in sources if np.ptp(source.frames.timestamp) >= recipe.long_s]
    for number in range(recipe.recordings):
        pool = ample if recipe.is_long(number) and ample else sources
        yield synthesise(pool[number % len(pool)], universe, number, recipe)


def synthesise(
    source: TrafficSource, universe: Universe, number: int, recipe: Recipe
) -> SyntheticRecording:
    """One recording: a pure function of its arguments, which it leaves as they are.

    Args:
        source: What it is made from.
        universe: Which universe.
        number: Which recording of it, from 0.
        recipe: What the universe holds.

    Raises:
        DataError: The source holds attack frames, or no time passes in it.
    """
    require_benign(source)
    draw, car_draw, ignition_draw, odd_draw, attack_draw = universe.random(number).spawn(5)
    is_long = recipe.is_long(number)
    length_s = recipe.long_s if is_long else recipe.short_s
    is_other = is_long or chance(draw, recipe.other_cars)
    needed_s = length_s / SLOWEST_AND_FASTEST.low if is_other else length_s
    frames = _stretch(by_time(source.frames), needed_s, draw)
    if is_other:
        frames = other_car(frames, car_draw)
        frames = frames[frames.timestamp < length_s]
    if chance(draw, recipe.ignition):
        frames = ignition(frames, ignition_draw)
    if chance(draw, recipe.oddities):
        frames = odd(frames, odd_draw)
    turn = number - recipe.short if is_long else number
    attacked = attack(
        CarTraffic.of(frames), _rhythm(recipe, is_long), recipe.kinds, turn, attack_draw
    )
    return SyntheticRecording(
        frames=attacked.frames,
        episodes=attacked.episodes,
        kind_of_frame=attacked.kind_of_frame,
        vehicle=_name(universe, number) if is_other else source.vehicle,
        attack_windows=recipe.long_attack_windows if is_long else 1.0,
    )


def require_benign(source: TrafficSource) -> None:
    """Raises a `DataError` for a source from which no recording can be made."""
    attacks = int(np.count_nonzero(source.frames.label))
    if attacks:
        raise DataError(
            f"a stretch of {source.vehicle} holds {counted(attacks, 'attack frame')}. Synthetic "
            f"recordings are made from benign stretches only: cut them between the attacks"
        )
    if len(source.frames) < 2 or not np.ptp(source.frames.timestamp):
        held = counted(len(source.frames), "frame")
        raise DataError(
            f"a stretch of {source.vehicle} with {held}, in which no time "
            f"passes, is too short to make synthetic recordings from"
        )


def _stretch(frames: Frames, length_s: float, rng: np.random.Generator) -> Frames:
    """At most `length_s` seconds of sorted frames from somewhere, at times from 0 s on."""
    time_s = frames.timestamp
    # At a frame, not at a time: a pause of the recording would be hit, and little come of it.
    starts = int(np.searchsorted(time_s, time_s[-1] - length_s, side="right"))
    first = int(rng.integers(0, max(starts, 1)))
    cut = frames[first : int(np.searchsorted(time_s, time_s[first] + length_s))]
    return replace(cut, timestamp=cut.timestamp - cut.timestamp[0])


def _rhythm(recipe: Recipe, is_long: bool) -> Rhythm:
    return Rhythm(
        warm_up_s=_WARM_UP_S,
        episode_s=recipe.long_episode_s if is_long else recipe.short_episode_s,
        quiet_s=_LONG_QUIET_S if is_long else _SHORT_QUIET_S,
        in_turn=is_long,
    )


def _name(universe: Universe, number: int) -> str:
    return f"synthetic-{universe.purpose}-{number}"
