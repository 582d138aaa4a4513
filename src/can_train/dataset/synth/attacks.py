"""Attacks in bursts: injected, withheld and replaced frames."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.synth.bus import Traffic
from can_train.dataset.synth.signals import GRID_US, SIGNAL_BITS, Signal
from can_train.dataset.synth.traffic import Scene, message_payload
from can_train.dataset.synth.vehicles import Message

AttackKind = Literal["DoS", "fuzzing", "malfunction", "suppress", "masquerade"]
Signals = dict[Signal, NDArray[np.int64]]
Bursts = NDArray[np.int64]
"""Start and end of each burst [K, 2] in microseconds."""

ATTACK_SHARE_PERCENT: Final = 25
TRAIN_BURST_EVERY_US: Final = 3_300_000
TEST_BURST_EVERY_US: Final = 5_000_000
"""Two rhythms: were they one, training and test bursts could fall on the same places by chance."""

WARM_UP_US: Final = 1_500_000
"""Recordings begin with benign traffic: what a detector compares with must come from somewhere."""

INTERVALS_US: Final[dict[AttackKind, tuple[int, int]]] = {
    "DoS": (550, 950),
    "fuzzing": (700, 1_800),
    "malfunction": (1_500, 4_000),
}
"""Shortest and longest time between two injected frames; each burst draws its own.

With the benign half they stay below the bus's capacity, as the floods of real recordings do.
"""

LONGEST_TARGET_PERIOD_MS: Final = 20
TARGET_ECUS: Final = ("engine", "gearbox", "brakes", "steering", "chassis")
WRONG_CHECKSUM: Final = 0x5A
WRONG_COUNT: Final = 5


def burst_times(scene: Scene, every_us: int) -> Bursts:
    """Bursts that cover a quarter of the recording after its warm-up.

    Bursts and gaps of random length are laid on a circle, which is turned by a random angle:
    after the warm-up an attack is equally likely at any place of the recording.

    Args:
        scene: The recording.
        every_us: Mean time from one burst to the next; there are two bursts at least.
    """
    rng = scene.rng("bursts")
    warm_up = min(WARM_UP_US, scene.duration_us // 10)
    usable = scene.duration_us - warm_up
    bursts = max(2, round(usable / every_us))
    attacked = usable * ATTACK_SHARE_PERCENT // 100
    length = _parts(attacked, bursts, rng)
    gap = _parts(usable - attacked, bursts, rng)
    start = np.cumsum(length + gap) - length - gap + int(rng.integers(0, usable))
    times = np.stack([start, start + length], axis=1)
    times -= (times[:, :1] // usable) * usable
    late = times[times[:, 1] > usable]
    wrapped = np.stack([np.zeros_like(late[:, 0]), late[:, 1] - usable], axis=1)
    times = np.concatenate([np.minimum(times, usable), wrapped]) + warm_up
    return times[np.argsort(times[:, 0], kind="stable")]


def injected(scene: Scene, kind: AttackKind, bursts: Bursts) -> list[Traffic]:
    """Frames that the attacker adds, labelled 1, one part per burst.

    `DoS` floods ID 0x000 with zeros; `fuzzing` sends any 11-bit ID with any payload;
    `malfunction` sends one of the vehicle's own IDs far too often.
    """
    rng = scene.rng(kind)
    frequent = [m for m in _targets(scene) if m.period_ms <= LONGEST_TARGET_PERIOD_MS]
    victim = frequent[int(rng.integers(0, len(frequent)))]
    return [_injected_burst(kind, victim, (int(a), int(b)), rng) for a, b in bursts]


def withheld(scene: Scene, benign: dict[int, Traffic], bursts: Bursts) -> dict[int, Traffic]:
    """Traffic by ID in which one ECU falls silent during each burst; nothing is labelled."""
    rng = scene.rng("suppress")
    left = dict(benign)
    for start_us, end_us in bursts:
        for message in _messages_of_one_ecu(scene, rng):
            frames = left[message.arbitration_id]
            silent = (frames.time_us >= start_us) & (frames.time_us < end_us)
            left[message.arbitration_id] = frames.take(~silent)
    return left


def replaced(
    scene: Scene, benign: dict[int, Traffic], signals: Signals, bursts: Bursts
) -> dict[int, Traffic]:
    """Traffic by ID in which an attacker speaks for one ECU during each burst, labelled 1.

    The attacker keeps IDs and periods and lies about the signals; in some bursts the counter
    jumps, in some the checksum is wrong.
    """
    rng = scene.rng("masquerade")
    left = dict(benign)
    for start_us, end_us in bursts:
        lie = _manipulated(signals, int(start_us), int(end_us), rng)
        skip = WRONG_COUNT * int(rng.integers(0, 2))
        spoil = WRONG_CHECKSUM * int(rng.integers(0, 2))
        for message in _messages_of_one_ecu(scene, rng):
            frames = left[message.arbitration_id]
            rows = (frames.time_us >= start_us) & (frames.time_us < end_us)
            count = np.arange(len(frames), dtype=np.int64) + skip
            payload = message_payload(scene, message, lie, frames.time_us, count)
            field = message.layout.checksum()
            if field is not None:
                payload[:, message.layout.start_bit(field) // 8] ^= np.uint8(spoil)
            late_us = int(rng.integers(0, 1000 * message.period_ms // 25))
            left[message.arbitration_id] = Traffic(
                time_us=frames.time_us + late_us * rows,
                arbitration_id=frames.arbitration_id,
                dlc=frames.dlc,
                payload=np.where(rows[:, None], payload, frames.payload),
                label=frames.label | rows,
            )
    return left


def _injected_burst(
    kind: AttackKind, victim: Message, burst: tuple[int, int], rng: np.random.Generator
) -> Traffic:
    """The frames of one burst."""
    interval_us = int(rng.integers(*INTERVALS_US[kind]))
    frames = (burst[1] - burst[0]) // interval_us
    time_us = burst[0] + interval_us * np.arange(frames, dtype=np.int64)
    time_us += rng.integers(0, interval_us // 4, frames)
    dlc = np.full(frames, 8, dtype=np.int64)
    arbitration_id = np.zeros(frames, dtype=np.int64)
    payload = np.zeros((frames, 8), dtype=np.uint8)
    if kind == "fuzzing":
        arbitration_id = rng.integers(0, 0x800, frames)
        dlc = np.minimum(rng.integers(0, 17, frames), 8)
        payload = rng.integers(0, 256, (frames, 8)).astype(np.uint8)
    elif kind == "malfunction":
        arbitration_id += victim.arbitration_id
        dlc[:] = victim.layout.dlc
        distinct = frames if rng.integers(0, 2) else 1
        payload = payload + rng.integers(0, 256, (distinct, 8)).astype(np.uint8)
    payload[np.arange(8) >= dlc[:, None]] = 0
    return Traffic(
        time_us=time_us,
        arbitration_id=arbitration_id,
        dlc=dlc.astype(np.uint8),
        payload=payload,
        label=np.ones(frames, dtype=np.uint8),
    )


def _manipulated(signals: Signals, start_us: int, end_us: int, rng: np.random.Generator) -> Signals:
    """Signals frozen, shifted or slowly pulled away between two times."""
    rows = slice(start_us // GRID_US, end_us // GRID_US + 2)
    style = int(rng.integers(0, 3))
    reach = int(rng.integers(6_000, 18_000))
    lie = {name: values.copy() for name, values in signals.items()}
    for values in lie.values():
        part = values[rows]
        if style == 0:
            part[:] = part[0]
        else:
            steps = np.arange(1, len(part) + 1)
            part += reach if style == 1 else reach * steps // len(part)
        np.clip(part, 0, (1 << SIGNAL_BITS) - 1, out=part)
    return lie


def _targets(scene: Scene) -> list[Message]:
    return [message for message in scene.vehicle.messages if message.ecu in TARGET_ECUS]


def _messages_of_one_ecu(scene: Scene, rng: np.random.Generator) -> list[Message]:
    ecu = TARGET_ECUS[int(rng.integers(0, len(TARGET_ECUS)))]
    return [message for message in scene.vehicle.messages if message.ecu == ecu]


def _parts(whole: int, parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`whole` in `parts` random parts; the longest at most 1.5 times the shortest."""
    weight = rng.integers(80, 121, parts)
    return whole * weight // int(weight.sum())
