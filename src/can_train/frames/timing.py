"""What a recording's timestamps tell about the clock that made them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

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

_SAMPLE: Final = 1_000_000
"""Steps that tell the usual one: a median of more costs memory and says the same."""

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
    """

    jumps: NDArray[np.int64]
    steps_s: NDArray[np.float64]
    equal_share: float
    descending: bool
    standing: bool
    zeros: int
    frames_per_s: float | None
    latest: float

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
    steps = np.diff(timestamps)
    apart = _apart(steps)
    return ClockReport(
        jumps=np.flatnonzero(apart) + 1,
        steps_s=steps[apart],
        equal_share=float(np.mean(steps == 0)) if len(steps) else 0.0,
        descending=bool(len(steps) and np.mean(steps < 0) > _MOSTLY),
        standing=bool(len(steps) and not steps.any()),
        zeros=int(np.count_nonzero(timestamps == 0)) if timestamps.any() else 0,
        frames_per_s=_rate(steps[~apart] if apart.any() else steps),
        latest=float(timestamps.max()),
    )


def recorded_s(timestamps: NDArray[np.float64]) -> float:
    """Seconds in which frames came: pauses and clocks that were set don't count."""
    steps = np.diff(timestamps)
    apart = _apart(steps)
    if not apart.any():
        return float(np.ptp(timestamps))
    return abs(float(steps[~apart].sum()))


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


def _apart(steps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which steps from frame to frame [N - 1] are no time in which frames came."""
    longest = max(LONGEST_GAP_S, SLOW_GAPS * _usual(steps))
    apart: NDArray[np.bool_] = (steps > longest) | (
        steps < -max(LONGEST_STEP_BACK_S, _usual(steps))
    )
    return apart


def _usual(steps: NDArray[np.float64]) -> float:
    """Median step of a sample that isn't 0, without its sign."""
    sample = steps[:: max(1, len(steps) // _SAMPLE)]
    sizes = np.abs(sample[sample != 0])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _rate(steps: NDArray[np.float64]) -> float | None:
    """Frames per second of steps that are time in which frames came."""
    seconds = float(np.abs(steps).sum())
    return len(steps) / seconds if len(steps) >= _ENOUGH_FRAMES and seconds > 0 else None
