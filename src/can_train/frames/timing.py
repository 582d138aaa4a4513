"""What a recording's timestamps tell about the clock that made them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.frames.paging import give_back

TimeUnit = Literal["s", "ms", "us", "ns"]

UNITS_PER_S: Final[dict[TimeUnit, float]] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

LONGEST_GAP_S: Final = 1.0
"""Longest time without any frame that belongs to a recording; a longer one is a pause, or a clock
that was set."""

LONGEST_STEP_BACK_S: Final = 0.1
"""Merged and buffered frames step back by less; a clock that steps back further was set, or began
anew."""

SLOW_GAPS: Final = 100.0
"""Gaps of a slow recording may be as many times its usual gap before they count as a pause."""

RATES: Final = (1.0, 25_000.0)
"""Frames per second that a CAN bus can have; 1 Mbit/s carries few more even of empty frames."""

LATEST_S: Final = 1e11
"""Seconds since 1970 that no clock shows before the year 5138: such stamps count a part of them."""

USUAL_RATE: Final = 1000.0
"""Frames per second of an ordinary bus; fewer than a twentieth of it may be another unit."""

_SLOW: Final = USUAL_RATE / 20

_ENOUGH_FRAMES: Final = 50
"""Fewer tell no rate."""

_SAMPLE: Final = 100_000
"""Steps that tell the usual one: a median of more costs time and says the same."""

_AT_ONCE: Final = 1 << 18
"""Timestamps looked at together: they stay in a core's cache."""

_SHOWN: Final = 3
_MOSTLY: Final = 0.9
_MANY_EQUAL: Final = 0.1
_WRAPS: Final = 3
_WRAP_SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReport:
    """What is odd about the N timestamps of a recording.

    Attributes:
        jumps: Frames whose time is far from that of the frame before, ascending [J].
        steps_s: By how much [J].
        equal_share: Share of the frames with the time of the frame before.
        descending: Whether most frames are older than the one before.
        standing: Whether all times are the same.
        zeros: How many are 0 although others aren't.
        frames_per_s: Rate without the jumps; None where it can't be told.
        latest: The largest of the times.
        recorded_s: Seconds in which frames came.
    """

    jumps: NDArray[np.int64]
    steps_s: NDArray[np.float64]
    equal_share: float
    descending: bool
    standing: bool
    zeros: int
    frames_per_s: float | None
    latest: float
    recorded_s: float

    @property
    def wraps_after_s(self) -> float | None:
        """Period of a clock that begins anew at regular intervals."""
        back = -self.steps_s[self.steps_s < 0]
        if len(back) < _WRAPS or np.ptp(back) > _WRAP_SPREAD * back.max():
            return None
        return float(back.max())

    @property
    def fitting_unit(self) -> TimeUnit | None:
        """The unit in which the rate is most like that of a CAN bus, if seconds can't be."""
        rate = self.frames_per_s
        if rate is None or (RATES[0] <= rate <= RATES[1] and self.latest < LATEST_S):
            return None
        return _likely_unit(rate)


def _likely_unit(rate: float) -> TimeUnit:
    """The unit in which so many frames per unit come nearest to an ordinary bus."""
    return min(UNITS_PER_S, key=lambda unit: abs(math.log(rate * UNITS_PER_S[unit] / USUAL_RATE)))


def clock_report(timestamps: NDArray[np.float64]) -> ClockReport:
    """Looks at all timestamps [N] of a recording, N at least 1, in seconds."""
    steps = _Steps(timestamps)
    return ClockReport(
        jumps=np.concatenate(steps.jumps),
        steps_s=np.concatenate(steps.sizes_s),
        equal_share=steps.equal / max(steps.count, 1),
        descending=steps.back > _MOSTLY * steps.count,
        standing=0 < steps.count == steps.equal,
        zeros=steps.zeros if steps.zeros < len(timestamps) else 0,
        frames_per_s=steps.rate,
        latest=steps.latest,
        recorded_s=steps.recorded_s,
    )


def recorded_s(timestamps: NDArray[np.float64]) -> float:
    """Seconds in which frames came: pauses and clocks that were set don't count."""
    return _Steps(timestamps).recorded_s


def clock_notes(report: ClockReport) -> Iterator[str]:
    """What a user has to know about the clock, a line each; none for an ordinary recording."""
    if report.descending:
        yield "timestamps descend: the newest frame is first. Turn the file round"
    wraps = report.wraps_after_s
    if wraps is not None:
        yield f"the clock begins anew every {wraps:g} s ({len(report.jumps):,} times)"
    elif len(report.jumps):
        yield _jumps(report)
    if report.equal_share > _MANY_EQUAL and not report.standing:
        yield (
            f"{report.equal_share:.0%} of the frames have the time of the frame before: the "
            f"recorder's clock is coarse, and intervals tell little"
        )
    if report.frames_per_s is not None and RATES[0] <= report.frames_per_s < _SLOW:
        unit = _likely_unit(report.frames_per_s)
        if unit != "s" and report.frames_per_s * UNITS_PER_S[unit] <= RATES[1]:
            yield (
                f"{report.frames_per_s:.3g} frames/s are few for a CAN bus. If its timestamps are "
                f"{unit}, read it with --time-unit {unit}"
            )
    if report.zeros > 1:
        yield f"{report.zeros:,} timestamps are 0"


def _jumps(report: ClockReport) -> str:
    shown = [
        f"{step:+.3f} s at frame {frame:,}"
        for frame, step in zip(report.jumps[:_SHOWN], report.steps_s[:_SHOWN], strict=True)
    ]
    more = len(report.jumps) - len(shown)
    rest = f" and {more:,} more" if more else ""
    return f"the clock jumps: {', '.join(shown)}{rest}. Such gaps don't count as recording time"


class _Steps:
    """What the steps from frame to frame tell, from one look at the timestamps, piece by piece.

    Args:
        timestamps: All of a recording [N], N at least 1.

    Attributes:
        jumps, sizes_s: Frames behind steps that are no time in which frames came, and those steps.
        together_s: Sum of the others, and `seconds` that of their sizes.
    """

    def __init__(self, timestamps: NDArray[np.float64]) -> None:
        usual = _usual(timestamps)
        self._longest = max(LONGEST_GAP_S, SLOW_GAPS * usual)
        self._longest_back = -max(LONGEST_STEP_BACK_S, usual)
        self.jumps: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self.sizes_s: list[NDArray[np.float64]] = [np.zeros(0)]
        self.count = len(timestamps) - 1
        self.apart = self.equal = self.back = self.zeros = 0
        self.together_s = self.seconds = 0.0
        self.earliest, self.latest = math.inf, -math.inf
        for begin in range(0, len(timestamps), _AT_ONCE):
            self._look_at(begin, timestamps[begin : begin + _AT_ONCE + 1])
            give_back(timestamps)

    @property
    def rate(self) -> float | None:
        """Frames per second of steps that are time in which frames came."""
        count = self.count - self.apart
        seconds = self.seconds
        return count / seconds if count >= _ENOUGH_FRAMES and seconds > 0 else None

    @property
    def recorded_s(self) -> float:
        """Seconds in which frames came."""
        return abs(self.together_s) if self.apart else self.latest - self.earliest

    def _look_at(self, begin: int, some: NDArray[np.float64]) -> None:
        """Looks at timestamps from frame `begin`, the last of which the next look begins with."""
        steps = np.diff(some)
        own = some[:_AT_ONCE]
        self.zeros += len(own) - int(np.count_nonzero(own))
        self.earliest = min(self.earliest, float(own.min()))
        self.latest = max(self.latest, float(own.max()))
        self.equal += len(steps) - int(np.count_nonzero(steps))
        least, most = float(steps.min(initial=0.0)), float(steps.max(initial=0.0))
        rises = least >= 0.0  # neither of these where one is no number
        if not rises:
            self.back += int(np.count_nonzero(steps < 0))
        if not (most <= self._longest and least >= self._longest_back):
            apart = (steps > self._longest) | (steps < self._longest_back)
            self.apart += int(np.count_nonzero(apart))
            self.jumps.append(np.flatnonzero(apart) + begin + 1)
            self.sizes_s.append(steps[apart])
            steps = steps[~apart]
        together_s = float(steps.sum())
        self.together_s += together_s
        self.seconds += together_s if rises else float(np.abs(steps).sum())


def _usual(timestamps: NDArray[np.float64]) -> float:
    """Median step of a sample that isn't 0, without its sign."""
    every = max(1, (len(timestamps) - 1) // _SAMPLE)
    sizes = np.abs(timestamps[1::every] - timestamps[:-1:every])
    some = int(np.count_nonzero(sizes))
    if not some:
        return 0.0
    if some < len(sizes):
        sizes = sizes[sizes != 0]
    middle = len(sizes) // 2
    sizes.partition(middle)  # np.median() looks for its second middle and NaN in turns of their own
    lower = sizes[middle] if len(sizes) % 2 else sizes[:middle].max()
    return float((lower + sizes[middle]) / 2)
