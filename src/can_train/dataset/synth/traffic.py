"""What the ECUs of a vehicle want to send when nobody attacks."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.synth.bus import Traffic
from can_train.dataset.synth.fields import encode
from can_train.dataset.synth.signals import Signal, sample
from can_train.dataset.synth.vehicles import Message, Vehicle

LARGEST_DRIFT_PPM: Final = 100
"""Tolerance of the crystal that clocks an ECU."""

JITTER_DIVISOR: Final = 60
"""Each release is early or late by at most one sixtieth of its period."""

REPEATS_OF_EVENT: Final = 3
REPEAT_AFTER_US: Final = 20_000
"""An event-driven message is sent three times, so that one lost frame does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One recording that is to be made.

    Attributes:
        name: `<scenario>/<kind>-<vehicle>`; with the seed it fixes everything that is drawn.
        vehicle: The vehicle that is recorded.
        duration_us: Length in microseconds.
        seed: Seed of the dataset.
    """

    name: str
    vehicle: Vehicle
    duration_us: int
    seed: int

    def rng(self, *purpose: str | int) -> np.random.Generator:
        """A generator of its own for each purpose, so that one draw never shifts another."""
        words = ":".join(str(word) for word in (self.name, *purpose))
        return np.random.default_rng([self.seed, zlib.crc32(words.encode())])


def message_traffic(
    scene: Scene, message: Message, signals: dict[Signal, NDArray[np.int64]]
) -> Traffic:
    """All frames of one message during the recording, in order, labelled benign.

    Args:
        scene: The recording.
        message: One message of its vehicle.
        signals: What the vehicle does, from `drive`.
    """
    ready_us = ready_times(scene, message)
    count = np.arange(len(ready_us), dtype=np.int64)
    return Traffic(
        time_us=ready_us,
        arbitration_id=np.full(len(ready_us), message.arbitration_id, dtype=np.int64),
        dlc=np.full(len(ready_us), message.layout.dlc, dtype=np.uint8),
        payload=message_payload(scene, message, signals, ready_us, count),
        label=np.zeros(len(ready_us), dtype=np.uint8),
    )


def message_payload(
    scene: Scene,
    message: Message,
    signals: dict[Signal, NDArray[np.int64]],
    ready_us: NDArray[np.int64],
    count: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Payloads [n, 8], uint8, of the frames of `message` that are ready at `ready_us` [n].

    Called twice with other signals it draws the same noise and status bits, so that a
    masquerading sender differs in what it manipulates and in nothing else.
    """
    rng = scene.rng("payload", message.arbitration_id)
    first = int(rng.integers(0, 256))
    return encode(message.layout, sample(signals, ready_us), first + count, rng)


def ready_times(scene: Scene, message: Message) -> NDArray[np.int64]:
    """When the ECU is ready to send each frame of `message` [n], int64, increasing."""
    rng = scene.rng("time", message.arbitration_id)
    period_us = 1000 * message.period_ms
    if message.event_driven:
        return _event_times(scene.duration_us, period_us, rng)
    frames = scene.duration_us // period_us + 2
    nominal = int(rng.integers(0, period_us)) + period_us * np.arange(frames, dtype=np.int64)
    drift = nominal * _drift_ppm(scene.vehicle, message.ecu) // 1_000_000
    reach = period_us // JITTER_DIVISOR // 2
    jitter = rng.integers(0, reach + 1, frames) - rng.integers(0, reach + 1, frames)
    ready_us = np.maximum(nominal + drift + jitter, 0)
    return ready_us[ready_us < scene.duration_us]


def _event_times(duration_us: int, mean_gap_us: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Events at random times, each with its repeats."""
    events = 5 * duration_us // mean_gap_us + 5
    gap = rng.integers(mean_gap_us // 5, 2 * mean_gap_us - mean_gap_us // 5, events)
    first = np.cumsum(gap) - rng.integers(0, mean_gap_us)
    repeat = REPEAT_AFTER_US * np.arange(REPEATS_OF_EVENT, dtype=np.int64)
    ready_us = np.sort((first[:, None] + repeat).ravel())
    return ready_us[(ready_us >= 0) & (ready_us < duration_us)]


def _drift_ppm(vehicle: Vehicle, ecu: str) -> int:
    """Clock error of an ECU: a property of the vehicle, the same in all its recordings."""
    word = zlib.crc32(f"{vehicle.name}:{ecu}".encode())
    return word % (2 * LARGEST_DRIFT_PPM + 1) - LARGEST_DRIFT_PPM
