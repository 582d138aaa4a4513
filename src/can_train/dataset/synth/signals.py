"""What the vehicle does during a recording: smooth signals on a grid of 10 ms."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Signal = Literal[
    "speed", "rpm", "throttle", "brake", "steering", "yaw_rate", "torque", "temperature"
]

SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)
SIGNAL_BITS: Final = 16
"""Every signal is an unsigned integer; shorter fields carry its most significant bits."""

GRID_US: Final = 10_000
CENTRE: Final = 1 << (SIGNAL_BITS - 1)
"""Zero of the signals that have a sign."""

_LARGEST: Final = (1 << SIGNAL_BITS) - 1
_EASE: Final = 1 << 12
_IDLE_RPM: Final = 3_200
"""800 revolutions a minute in steps of 0.25."""


def drive(duration_us: int, rng: np.random.Generator) -> dict[Signal, NDArray[np.int64]]:
    """Signals of one drive.

    Args:
        duration_us: Length of the recording in microseconds.
        rng: Source of the driver's decisions.

    Returns:
        Each signal on the grid [duration / 10 ms + 2], int64, 0 to 65535.
    """
    steps = duration_us // GRID_US + 2
    speed = _wander(steps, (300, 900), (4_000, 30_000), rng)
    throttle = _wander(steps, (100, 400), (0, 50_000), rng)
    brake = np.maximum(_wander(steps, (150, 500), (-40_000, 24_000), rng), 0)
    steering = CENTRE + _wander(steps, (120, 450), (-9_000, 9_000), rng)
    return {
        "speed": speed,
        "rpm": _clip(_IDLE_RPM + speed // 2 + throttle // 8),
        "throttle": throttle,
        "brake": brake,
        "steering": steering,
        "yaw_rate": _clip(CENTRE + (((steering - CENTRE) * speed) >> 15)),
        "torque": _clip(CENTRE + throttle // 2 - brake // 2),
        "temperature": _wander(steps, (3_000, 6_000), (36_000, 42_000), rng),
    }


def sample(
    signals: dict[Signal, NDArray[np.int64]], time_us: NDArray[np.int64]
) -> dict[Signal, NDArray[np.int64]]:
    """Signals at `time_us` [n], straight between two points of the grid."""
    step, rest = time_us // GRID_US, time_us % GRID_US
    return {
        name: values[step] + (values[step + 1] - values[step]) * rest // GRID_US
        for name, values in signals.items()
    }


def _wander(
    steps: int, spacing: tuple[int, int], span: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Random targets every `spacing` steps within `span`, joined by smooth transitions [steps].

    Between two targets u runs from 0 to 1 and the value follows 3 u^2 - 2 u^3.
    """
    knots = steps // spacing[0] + spacing[1] // spacing[0] + 3
    at = np.cumsum(rng.integers(spacing[0], spacing[1] + 1, knots)) - spacing[1]
    level = rng.integers(span[0], span[1] + 1, knots)
    grid = np.arange(steps, dtype=np.int64)
    left = np.searchsorted(at, grid, side="right") - 1
    u = (grid - at[left]) * _EASE // (at[left + 1] - at[left])
    ease = u * u * (3 * _EASE - 2 * u) // (_EASE * _EASE)
    here, there = level[left], level[left + 1]
    values: NDArray[np.int64] = here + (there - here) * ease // _EASE
    return values


def _clip(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(values, 0, _LARGEST)
