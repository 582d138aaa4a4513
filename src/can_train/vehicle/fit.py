"""Makes the profile of a vehicle from benign parts of its recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.graphs.steady import SteadyClock
from can_train.vehicle.payloads import (
    always_constant,
    constants_of,
    counter_of,
    lengths_of,
)
from can_train.vehicle.profile import Known, Trait, VehicleProfile
from can_train.vehicle.watch import EARLY, LATE, VehicleWatch

FEWEST_FRAMES: Final = 100
"""Of an ID in one recording, so that its limits are more than its first frames."""

QUANTILES: Final = (0.002, 0.998)
"""What is usual within one recording; over recordings the widest limits count."""

WIDEST: Final = 0.1
"""Range of a trait from which an ID isn't regular enough to follow (10 % of its period)."""

MOST_BROKEN: Final = 1e-3
"""Share of frames up to which an ID has a rhythm to break, rather than being sent on events."""

LEAST_UNIT: Final = 0.02
"""Smallest unit of a deviation: 2 % of the period."""

LONGEST_PERIOD_S: Final = 0.12
"""Slower IDs remember an attack for longer than some seconds, and tell of one too late."""

RECORDINGS_FOR_HABITS: Final = 8
"""With fewer recordings neither jitter nor constant bits are followed: the next drive has others.
Fitted without one of its two recordings each, both cars of hcrl_sa alarm by jitter on a fifth of
that recording's windows; of the five of set_01, some break the constants of the others."""

FEWEST_CORE_IDS: Final = 4
"""With fewer no vehicle can be told from another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProfileSource:
    """One recording of a vehicle.

    Attributes:
        frames: All N frames, in recording order.
        usual: Frames to learn from: benign, of the training side, not right after an attack [N].
    """

    frames: Frames
    usual: NDArray[np.bool_]


def fit_profile(vehicle: str, sources: Sequence[ProfileSource]) -> VehicleProfile | None:
    """The profile of one vehicle; None where its recordings hold too few regular IDs.

    Args:
        vehicle: Its name.
        sources: Its recordings.
    """
    sources = [source for source in sources if source.usual.any()]
    width = max((source.frames.payload.shape[1] for source in sources), default=0)
    sources = [_steadied(source, width) for source in sources]
    ids = _frequent(sources)
    if len(ids) < FEWEST_CORE_IDS:
        return None
    known = _ticking(ids, sources)
    seen = [np.unique(source.frames.arbitration_id[source.usual]) for source in sources]
    profile = VehicleProfile(vehicle=vehicle, known=known, familiar=np.unique(np.concatenate(seen)))
    low, high = _limits(profile, sources)
    known = _followed(known, low, high, recordings=len(sources))
    if np.count_nonzero(known.core) < FEWEST_CORE_IDS:
        return None
    return replace(profile, known=known)


def _steadied(source: ProfileSource, width: int) -> ProfileSource:
    """The recording on the clock on which it is watched, too, with payloads of so many bytes.

    A drive of a CAN FD vehicle on which no payload was long is stored as one of classic CAN.
    """
    steady_s = SteadyClock().follow(source.frames.timestamp)
    return replace(source, frames=replace(source.frames.widened(width), timestamp=steady_s))


def _frequent(sources: Sequence[ProfileSource]) -> NDArray[np.uint32]:
    """IDs with enough frames in any recording, ascending."""
    found = []
    for source in sources:
        ids, counts = np.unique(source.frames.arbitration_id[source.usual], return_counts=True)
        found.append(ids[counts >= FEWEST_FRAMES])
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint32)


def _ticking(ids: NDArray[np.uint32], sources: Sequence[ProfileSource]) -> Known:
    """Periods and payload rules of the IDs; no limits yet."""
    words = sources[0].frames.payload.shape[1] // 8
    shape = (len(ids), len(Trait))
    known = Known(
        ids=ids,
        period=np.zeros(len(ids)),
        low=np.full(shape, -np.inf),
        high=np.full(shape, np.inf),
        unit=np.ones(shape),
        constant=np.zeros((len(ids), words), np.uint64),
        value=np.zeros((len(ids), words), np.uint64),
        fixed=np.zeros(len(ids), np.bool_),
        lengths=np.zeros(len(ids), np.uint64),
        counter=np.zeros((len(ids), 4), np.int64),
        punctual=np.zeros(len(ids), np.bool_),
        core=np.zeros(len(ids), np.bool_),
    )
    by_id = [_frames_of(ids, source) for source in sources]
    for row in range(len(ids)):
        parts = [found[row] for found in by_id if found[row][0].any()]
        frames = [part[usual] for usual, part in parts]
        known.period[row] = np.median([_period_s(*part) for part in parts])
        broken = [_broken_share(*part, known.period[row]) for part in parts]
        known.punctual[row] = max(broken) <= MOST_BROKEN
        known.constant[row], known.value[row] = constants_of(frames)
        known.fixed[row] = len(frames) >= RECORDINGS_FOR_HABITS and always_constant(frames)
        known.lengths[row] = lengths_of(frames)
        known.counter[row] = counter_of(frames)
    return known


def _frames_of(
    ids: NDArray[np.uint32], source: ProfileSource
) -> list[tuple[NDArray[np.bool_], Frames]]:
    """All frames of each ID in turn, and which of them are usual."""
    order = np.argsort(source.frames.arbitration_id, kind="stable")
    ordered = source.frames.arbitration_id[order]
    first, last = np.searchsorted(ordered, ids), np.searchsorted(ordered, ids, side="right")
    return [
        (
            source.usual[order[a:b]],
            Frames(
                timestamp=source.frames.timestamp[order[a:b]],
                arbitration_id=source.frames.arbitration_id[order[a:b]],
                dlc=source.frames.dlc[order[a:b]],
                payload=np.ascontiguousarray(source.frames.payload[order[a:b]]),
                label=source.frames.label[order[a:b]],
            ),
        )
        for a, b in zip(first.tolist(), last.tolist(), strict=True)
    ]


def _period_s(usual: NDArray[np.bool_], frames: Frames) -> float:
    """Median interval between neighbours that are both usual; NaN-free."""
    both = usual[1:] & usual[:-1]
    intervals = np.diff(frames.timestamp)[both]
    return max(float(np.median(intervals)), 1e-6) if len(intervals) else 1.0


def _broken_share(usual: NDArray[np.bool_], frames: Frames, period_s: float) -> float:
    """Share of usual frames that come too early or too late after a usual one."""
    both = usual[1:] & usual[:-1]
    intervals = np.diff(frames.timestamp)[both] / period_s
    broken = (intervals < EARLY) | (intervals > LATE)
    return float(np.mean(broken)) if len(broken) else 0.0


def _limits(
    profile: VehicleProfile, sources: Sequence[ProfileSource]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Usual limits of each trait in each recording [R, K, 2]; NaN where there is too little."""
    shape = (len(sources), len(profile), len(Trait))
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    ids = profile.known.ids
    for number, source in enumerate(sources):
        traits = VehicleWatch(profile).follow(source.frames).traits
        told = source.usual & ~np.isnan(traits[:, 0])
        order = np.flatnonzero(told)[np.argsort(source.frames.arbitration_id[told], kind="stable")]
        ordered = source.frames.arbitration_id[order]
        first, last = np.searchsorted(ordered, ids), np.searchsorted(ordered, ids, side="right")
        for row in np.flatnonzero(last - first >= FEWEST_FRAMES).tolist():
            values = traits[order[first[row] : last[row]]]
            low[number, row], high[number, row] = np.quantile(values, QUANTILES, axis=0)
    return low, high


def _followed(
    known: Known, low: NDArray[np.float64], high: NDArray[np.float64], *, recordings: int
) -> Known:
    """The widest limits over recordings, of traits that are regular."""
    least, most = np.nanmin(_or_inf(low, np.inf), axis=0), np.nanmax(_or_inf(high, -np.inf), axis=0)
    width = most - least
    regular = (width >= 0) & (width < WIDEST) & (known.period[:, None] <= LONGEST_PERIOD_S)
    present = np.count_nonzero(~np.isnan(low[..., Trait.INTERVAL]), axis=0)
    regular[:, Trait.JITTER] &= present >= RECORDINGS_FOR_HABITS
    return known._replace(
        low=np.where(regular, least, -np.inf),
        high=np.where(regular, most, np.inf),
        unit=np.where(regular, np.maximum(width, 0.0) + LEAST_UNIT, 1.0),
        core=regular[:, Trait.INTERVAL] & (2 * present >= recordings),
    )


def _or_inf(values: NDArray[np.float64], absent: float) -> NDArray[np.float64]:
    return np.where(np.isnan(values), absent, values)
