"""Recordings by kind of attack and vehicle, and parts of them."""

from __future__ import annotations

import functools

import numpy as np

from can_train.dataset.synth.bus import (
    Traffic,
)
from can_train.dataset.synth.dataset import FILES, Planned, record
from can_train.dataset.synth.traffic import Scene
from can_train.dataset.synth.vehicles import VEHICLES, Message


def scene_of(planned: Planned, seed: int = 0) -> Scene:
    return Scene(
        name=planned.path,
        vehicle=VEHICLES[planned.vehicle],
        duration_us=planned.duration_s * 1_000_000,
        seed=seed,
    )


@functools.cache
def made(kind: str | None, vehicle: str) -> Traffic:
    return record(planned_as(kind, vehicle))


def planned_as(kind: str | None, vehicle: str) -> Planned:
    return next(f for f in FILES if f.kind == kind and f.vehicle == vehicle)


def of_message(traffic: Traffic, message: Message) -> Traffic:
    return traffic.take(traffic.arbitration_id == message.arbitration_id)


def in_bursts(traffic: Traffic, bursts: np.ndarray, slack_us: int = 5_000) -> np.ndarray:
    """Which frames were seen between start and end (plus queueing) of a burst."""
    at = traffic.time_us[:, None]
    return np.asarray(((at >= bursts[:, 0]) & (at < bursts[:, 1] + slack_us)).any(axis=1))
