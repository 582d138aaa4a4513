"""When a recording is attacked, and which of its windows are benign, in or after an attack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.alarms.events import EVENT_GAP_S, event_starts
from can_train.frames.frame import Frames

AFTER_ATTACK_S: Final = 5.0
"""Seconds after an attack in which a detector may still be disturbed by it."""

_NO_EPISODE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episodes:
    """E labelled attacks of one recording, by time.

    Attributes:
        start_s: First attack frame [E].
        end_s: Last attack frame [E].
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    def __len__(self) -> int:
        """E."""
        return len(self.start_s)


def episodes_of(start_s: NDArray[np.float64], end_s: NDArray[np.float64]) -> Episodes:
    """Attacks whose parts are at most `EVENT_GAP_S` apart are one episode.

    Args:
        start_s: Begin of every labelled frame, or window that holds one, in any order [A].
        end_s: Its end; for a frame the same [A].
    """
    order = np.argsort(start_s, kind="stable")
    start_s, end_s = start_s[order], end_s[order]
    first = event_starts(start_s, end_s)
    if not len(first):
        return Episodes(start_s=np.zeros(0), end_s=np.zeros(0))
    return Episodes(start_s=start_s[first], end_s=np.maximum.reduceat(end_s, first))


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """The windows [B] of one recording by time, and its labelled attacks.

    Attributes:
        start_s: Timestamp of the first frame of each window [B].
        end_s: Timestamp of its last frame [B].
        attack: Whether it holds an attack frame [B].
        episodes: The attacks.
        apart: Windows from one to the next that shares no frame with it.
        share: Part of a window's time that the one before doesn't cover, at most 1.
        unjudged: Windows that are neither benign nor attack [B].
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    attack: NDArray[np.bool_]
    episodes: Episodes
    apart: int
    share: float
    unjudged: NDArray[np.bool_] | None = None

    @cached_property
    def during(self) -> NDArray[np.int64]:
        """Episode that each window overlaps, or -1 [B]."""
        return self._episode(0.0)

    @cached_property
    def near(self) -> NDArray[np.int64]:
        """The same up to `EVENT_GAP_S` after an episode: the event may still go on [B]."""
        return self._episode(EVENT_GAP_S)

    @cached_property
    def quiet(self) -> NDArray[np.bool_]:
        """Benign windows where nothing may alarm: not in or right after an episode [B]."""
        quiet: NDArray[np.bool_] = ~self.attack & (self.near == _NO_EPISODE)
        return quiet if self.unjudged is None else quiet & ~self.unjudged

    @cached_property
    def quiet_s(self) -> float:
        """Recording time of these; overlapping frames count once."""
        return float((self.end_s - self.start_s)[self.quiet].sum()) * self.share

    @cached_property
    def before(self) -> NDArray[np.bool_]:
        """Quiet windows before the first attack; none where there is no attack [B]."""
        if not len(self.episodes):
            return np.zeros(len(self.start_s), np.bool_)
        before: NDArray[np.bool_] = self.quiet & (self.end_s < self.episodes.start_s[0])
        return before

    @cached_property
    def after(self) -> NDArray[np.bool_]:
        """Quiet windows from `AFTER_ATTACK_S` after an attack to the next one [B]."""
        if not len(self.episodes):
            return np.zeros(len(self.start_s), np.bool_)
        after: NDArray[np.bool_] = self.quiet & (self.start_s > self.episodes.end_s[0])
        after &= self._episode(AFTER_ATTACK_S) == _NO_EPISODE
        return after

    def _episode(self, more_s: float) -> NDArray[np.int64]:
        """Episode that each window overlaps when all last `more_s` longer, or -1 [B]."""
        if not len(self.episodes):
            return np.full(len(self.start_s), _NO_EPISODE)
        # The last that began before the window's end; where two are overlapped, the later one.
        at = np.searchsorted(self.episodes.start_s, self.end_s, side="right") - 1
        overlaps = (at >= 0) & (self.episodes.end_s[at] + more_s >= self.start_s)
        return np.where(overlaps, at, _NO_EPISODE)


def attack_frames_between(frames: Frames, start: int, stop: int) -> NDArray[np.float64]:
    """Timestamps of the attack frames among frames `start` to `stop` (exclusive) [A]."""
    attack = np.flatnonzero(frames.label[start:stop]) + start
    return np.asarray(frames.timestamp[attack], np.float64)
