"""Which IDs an event involves and what kind of attack it looks like, by rules that people can read.

Windows of the event are compared with quiet ones before it, ID by ID. Every constant was chosen on
the synthetic recordings for training; how often it is right on held-out ones stands in
docs/concepts/alarms.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.sightings import Sightings, Sign
from can_train.graphs.store import rows_of

SuspectedKind = Literal["flood", "fuzzing", "injection", "replay", "suppression", "unknown"]

REFERENCE_WINDOWS: Final = 200
"""Quiet windows before an event that it is compared with: 10 s of a busy bus."""

FEWEST_REFERENCE_WINDOWS: Final = 20
"""With fewer nothing is said: most IDs would never have been seen."""

_TIMING: Final = (Sign.INTERVAL_LOG_RATIO_MIN, Sign.INTERVAL_Z_ABS_MAX)
_PAYLOAD: Final = (Sign.BITS_SURPRISE_MAX, Sign.NEW_BITS_MAX, Sign.BITS_CHANGED_MEAN)
_EVIDENCE: Final = (*_TIMING, *_PAYLOAD, Sign.DLC_CHANGED)
_UNIT: Final = np.array([0.15, 0.3, 0.2, 0.04, 0.025, 0.1])
"""Of each of `_EVIDENCE`: about the standard deviation between an event and the quiet before it
among the IDs that weren't attacked."""

_OWN_SPREAD: Final = 0.5
"""Share of an ID's own standard deviation in the quiet windows that is added to the unit."""

_MOST_EVIDENCE: Final = 5.0
"""Of one column, so that none decides alone against all others."""

_INVOLVED: Final = 4.0
_INVOLVED_SHARE: Final = 0.5
"""An ID is involved with this much evidence, and at least this share of the strongest one's."""

_NEW: Final = 0.5
"""Novelty above which an ID counts as never heard before."""

_FLOOD_SHARE: Final = 0.2
"""Rise of one ID's share of all frames that makes a flood."""

_FLOOD_RATE: Final = 1.1
"""Least rise of the bus's frames per second in a flood: a share rises where others fall silent."""

_SILENT_SHARE: Final = 0.25
_FEWEST_EXPECTED: Final = 5.0
"""An ID is silent if it sends less than this share of at least so many frames that were due."""

_SHORTEST_S: Final = 1e-5
"""Resolution of the recorders; all frames of a window may carry one timestamp."""

_MANY: Final = 3
_EARLY: Final = 2.0
_PAYLOAD_ALTERED: Final = 3.0
_REPLAYED_PAYLOAD: Final = 4.5
_REPLAYED_COUNT: Final = 0.4
"""Rise of ln(seen / expected) of replayed IDs: they send about twice as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """What an event looks like.

    Attributes:
        ids: Arbitration IDs that are involved, ascending.
        kind: Suspected kind of attack; `unknown` where the features support no claim.
    """

    ids: tuple[int, ...]
    kind: SuspectedKind


NOBODY: Final = Suspects(ids=(), kind="unknown")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """What some windows show of K IDs.

    Attributes:
        ids: Ascending [K], uint32.
        count: Windows that show the ID [K], int64.
        mean: Mean `Sign`s of those [K, 9], float64.
        deviation: Their standard deviation [K, 9], float64; nobody asks for that of an event.
        windows: Number of windows.
        duration_s: Of all of them together.
    """

    ids: NDArray[np.uint32]
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    windows: int
    duration_s: float

    def of(self, ids: NDArray[np.uint32]) -> Shown:
        """The same of `ids`, ascending, that hold all of its own."""
        at = np.searchsorted(ids, self.ids)
        count = np.zeros(len(ids), np.int64)
        mean, deviation = np.zeros((2, len(ids), len(Sign)))
        count[at], mean[at], deviation[at] = self.count, self.mean, self.deviation
        return replace(self, ids=ids, count=count, mean=mean, deviation=deviation)


def suspects_of(
    sightings: Sightings,
    event: NDArray[np.int64],
    quiet: NDArray[np.int64],
    duration_s: NDArray[np.float64],
) -> Suspects:
    """Who is involved in an event, and in what.

    Args:
        sightings: Of the recording.
        event: The event's windows above the threshold [W].
        quiet: Windows below it before the event [R]; the last 200 are enough.
        duration_s: Duration of every window of the recording [B].
    """
    quiet = quiet[-REFERENCE_WINDOWS:]
    if len(quiet) < FEWEST_REFERENCE_WINDOWS:
        return NOBODY
    now, before = (
        shown_in(sightings.node_id[rows], sightings.x[rows], len(windows), duration_s[windows])
        for windows in (event, quiet)
        for rows in (rows_of(sightings.node_ptr, windows),)
    )
    return compared_suspects(now, before, sightings.window)


def compared_suspects(event: Shown, quiet: Shown, window: int) -> Suspects:
    """The same from what windows show.

    Args:
        event: The event's windows above the threshold.
        quiet: The last 200 windows below it before the event.
        window: Frames per window.
    """
    if quiet.windows < FEWEST_REFERENCE_WINDOWS:
        return NOBODY
    found = _compared(event, quiet)
    event_s, quiet_s = max(event.duration_s, _SHORTEST_S), max(quiet.duration_s, _SHORTEST_S)
    # Counted in time: a flood fills windows, so their number tells nothing of what was due.
    due = found.share_before * window * quiet.windows / quiet_s * event_s
    sent = found.share * window * event.windows
    silent = (due >= _FEWEST_EXPECTED) & (sent < _SILENT_SHARE * due)
    busier = event.windows / event_s >= _FLOOD_RATE * quiet.windows / quiet_s
    return _verdict(found, silent, busier)


def shown_in(
    node_id: NDArray[np.uint32],
    x: NDArray[np.float32],
    windows: int,
    duration_s: NDArray[np.float64],
) -> Shown:
    """What windows show.

    Args:
        node_id: ID of every sighting, window by window [N].
        x: `Sign`s of every sighting [N, 9].
        windows: Number of windows.
        duration_s: Their durations [W].
    """
    ids, at = np.unique(node_id, return_inverse=True)
    count = np.bincount(at, minlength=len(ids))
    mean, square = np.empty((2, x.shape[1], len(ids)))
    # Column by column: a stream does this in a decision, and new memory for all takes longer.
    for column, signs in enumerate(x.T):
        values = signs.astype(np.float64)
        mean[column] = np.bincount(at, values) / count
        values -= mean[column][at]
        square[column] = np.bincount(at, np.square(values, out=values)) / count
    return Shown(
        ids=ids,
        count=count,
        mean=np.ascontiguousarray(mean.T),
        deviation=np.sqrt(square.T),
        windows=windows,
        duration_s=float(duration_s.sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """K IDs in an event against the quiet before it.

    Attributes:
        ids: Ascending [K].
        seen: Whether the event shows the ID [K].
        new: Whether it was never heard before [K].
        evidence: Rises of `_EVIDENCE` in units, 0 to 5 [K, 6].
        share: Mean share of all frames in the event [K].
        share_before: The same before [K].
        count_rise: Rise of COUNT_LOG_RATIO [K].
    """

    ids: NDArray[np.uint32]
    seen: NDArray[np.bool_]
    new: NDArray[np.bool_]
    evidence: NDArray[np.float64]
    share: NDArray[np.float64]
    share_before: NDArray[np.float64]
    count_rise: NDArray[np.float64]

    @property
    def involved(self) -> NDArray[np.bool_]:
        """Whether the evidence against an ID is enough [K]."""
        total = self.evidence.sum(axis=1)
        enough = max(_INVOLVED, _INVOLVED_SHARE * float(total.max(initial=0.0)))
        involved: NDArray[np.bool_] = self.new | (total >= enough)
        return involved


def _compared(event: Shown, quiet: Shown) -> _Compared:
    ids = np.union1d(event.ids, quiet.ids)
    now, past = event.of(ids), quiet.of(ids)
    both = (now.count > 0) & (past.count > 0)
    rise = np.where(both[:, None], now.mean - past.mean, 0.0)
    rise[:, Sign.INTERVAL_LOG_RATIO_MIN] *= -1.0  # early is suspicious, late is not
    unit = _UNIT + _OWN_SPREAD * past.deviation[:, _EVIDENCE]
    return _Compared(
        ids=ids,
        seen=now.count > 0,
        new=(past.count == 0) & (now.mean[:, Sign.NOVELTY] > _NEW),
        evidence=np.clip(rise[:, _EVIDENCE] / unit, 0.0, _MOST_EVIDENCE),
        share=now.mean[:, Sign.SHARE_OF_FRAMES] * now.count / now.windows,
        share_before=past.mean[:, Sign.SHARE_OF_FRAMES] * past.count / past.windows,
        count_rise=rise[:, Sign.COUNT_LOG_RATIO],
    )


def _verdict(found: _Compared, silent: NDArray[np.bool_], busier: bool) -> Suspects:
    """The kind, and the IDs that it is about."""
    risen = found.share - found.share_before
    if busier and risen.max(initial=0.0) >= _FLOOD_SHARE:
        return _suspects(found, found.involved | (risen >= _FLOOD_SHARE), "flood")
    involved = found.involved
    known = involved & ~found.new
    early, payload, count = (
        float(column[known].mean()) if known.any() else 0.0
        for column in (
            found.evidence[:, 0],
            found.evidence[:, len(_TIMING) : len(_TIMING) + len(_PAYLOAD)].sum(axis=1),
            found.count_rise,
        )
    )
    if silent.any() and early < _EARLY and not found.new.any():
        return _suspects(found, silent, "suppression")
    return _suspects(found, involved, _kind(found, involved, early, payload, count))


def _kind(
    found: _Compared, involved: NDArray[np.bool_], early: float, payload: float, count: float
) -> SuspectedKind:
    many = np.count_nonzero(involved) >= _MANY
    if np.count_nonzero(found.new) > 1 or (many and payload >= _PAYLOAD_ALTERED):
        return "fuzzing"
    if early < _EARLY or not (involved & ~found.new).any():
        return "unknown"
    if payload < _REPLAYED_PAYLOAD and (many or count >= _REPLAYED_COUNT):
        return "replay"
    return "injection"


def _suspects(found: _Compared, which: NDArray[np.bool_], kind: SuspectedKind) -> Suspects:
    return Suspects(ids=tuple(found.ids[which].tolist()), kind=kind)
