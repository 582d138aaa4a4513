"""The synthetic dataset: which recordings it has, and how each is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.dataset.synth.attacks import (
    TEST_BURST_EVERY_US,
    TRAIN_BURST_EVERY_US,
    AttackKind,
    burst_times,
    injected,
    replaced,
    withheld,
)
from can_train.dataset.synth.bus import Traffic, join, transmit
from can_train.dataset.synth.csv_file import write_csv
from can_train.dataset.synth.signals import drive
from can_train.dataset.synth.traffic import Scene, message_traffic
from can_train.dataset.synth.vehicles import VEHICLES
from can_train.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One file of the dataset.

    Attributes:
        scenario: Folder.
        kind: Attack, or None for benign traffic only.
        vehicle: Name of the vehicle.
        duration_s: Length at scale 1.
    """

    scenario: str
    kind: AttackKind | None
    vehicle: str
    duration_s: int

    @property
    def path(self) -> str:
        """Place of the file inside the dataset."""
        return f"{self.scenario}/{self.kind or 'attack-free'}-{self.vehicle}.csv"

    @property
    def is_train(self) -> bool:
        """Whether the file belongs to a training scenario."""
        return self.scenario.startswith("train")


def _planned(scenario: str, *files: tuple[AttackKind | None, str, int]) -> tuple[Planned, ...]:
    return tuple(
        Planned(scenario=scenario, kind=kind, vehicle=vehicle, duration_s=duration_s)
        for kind, vehicle, duration_s in files
    )


FILES: Final[tuple[Planned, ...]] = (
    *_planned("train_01_attack_free", (None, "alpha", 23), (None, "bravo", 22)),
    *_planned("train_02_with_attacks", ("DoS", "alpha", 21), ("fuzzing", "bravo", 22)),
    *_planned("test_01_known_vehicle_known_attack", ("DoS", "bravo", 20), ("fuzzing", "alpha", 20)),
    *_planned(
        "test_02_unknown_vehicle_known_attack", ("DoS", "charlie", 19), ("fuzzing", "charlie", 20)
    ),
    *_planned(
        "test_03_known_vehicle_unknown_attack",
        ("malfunction", "alpha", 20),
        ("malfunction", "bravo", 22),
    ),
    *_planned("test_04_unknown_vehicle_unknown_attack", ("malfunction", "charlie", 21)),
    *_planned("test_05_suppress", ("suppress", "alpha", 22)),
    *_planned("test_06_masquerade", ("masquerade", "bravo", 24)),
)
"""As on the real sets: DoS and fuzzing are known attacks, charlie is the unknown vehicle."""

SHORTEST_SCALE: Final = 0.05
"""Recordings of about a second; anything shorter has no room for two bursts."""

LONGEST_SCALE: Final = 1000.0
"""Recordings of some six hours."""


def generate(out: Path, *, seed: int = 0, scale: float = 1.0) -> list[Path]:
    """Writes a dataset of synthetic CAN traffic in the can-train-and-test CSV layout.

    The same seed and scale give the same bytes on any machine.

    Args:
        out: Folder for the eight scenario folders; files of the same names are replaced.
        seed: Not negative; another seed gives other drives, phases, bursts and payloads of the
            same vehicles.
        scale: Length of the recordings relative to the usual 19 to 24 s.

    Returns:
        The files written, `<out>/<scenario>/<kind>-<vehicle>.csv`, in scenario order.

    Raises:
        ConfigError: `seed` or `scale` is out of range.
    """
    if seed < 0:
        raise ConfigError(f"--seed {seed} is negative. Use 0 or a larger integer: --seed 0")
    if not SHORTEST_SCALE <= scale <= LONGEST_SCALE:
        raise ConfigError(
            f"--scale {scale} is out of range. Use {SHORTEST_SCALE} to {LONGEST_SCALE:g}: --scale 1"
        )
    written = []
    for planned in FILES:
        path = out / planned.path
        write_csv(path, record(planned, seed=seed, scale=scale))
        written.append(path)
    return written


def record(planned: Planned, *, seed: int = 0, scale: float = 1.0) -> Traffic:
    """Frames of one planned file as a listener on the bus sees them."""
    scene = Scene(
        name=planned.path,
        vehicle=VEHICLES[planned.vehicle],
        duration_us=round(planned.duration_s * 1_000_000 * scale),
        seed=seed,
    )
    signals = drive(scene.duration_us, scene.rng("drive"))
    by_id = {
        message.arbitration_id: message_traffic(scene, message, signals)
        for message in scene.vehicle.messages
    }
    if planned.kind is None:
        return transmit(join(list(by_id.values())))
    every_us = TRAIN_BURST_EVERY_US if planned.is_train else TEST_BURST_EVERY_US
    bursts = burst_times(scene, every_us)
    if planned.kind == "suppress":
        return transmit(join(list(withheld(scene, by_id, bursts).values())))
    if planned.kind == "masquerade":
        return transmit(join(list(replaced(scene, by_id, signals, bursts).values())))
    return transmit(join([*by_id.values(), *injected(scene, planned.kind, bursts)]))
