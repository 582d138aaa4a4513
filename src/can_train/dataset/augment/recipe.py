"""What a synthetic universe holds, and which one it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from can_train.config.schema import UNIVERSE_VERSION
from can_train.dataset.augment.attacks import KINDS, require_kinds, twins_of
from can_train.dataset.augment.draws import Range
from can_train.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the recordings of a universe are; defaults from measurements with prototypes.

    Attributes:
        short: Number of short recordings with many short attacks.
        long: Number of long recordings with few long attacks, each another car. Without them a
            score forgets an attack that goes on.
        short_s: Length of a short recording; shorter where its source is.
        long_s: Length of a long one.
        short_episode_s: Length of an attack in a short one; some kinds send a single frame.
        long_episode_s: Length of an attack in a long one.
        other_cars: Share of short recordings that are of another car.
        ignition: Share of recordings of a car that is switched on.
        oddities: Share of recordings with benign oddities.
        left_out: Kinds of attacks (`attacks.KINDS`) that don't occur.
        long_attack_windows: Share of the long recordings' attack windows to train on. With all
            of them thresholds rise and single frames are missed.
    """

    short: int = 24
    long: int = 12
    short_s: float = 40.0
    long_s: float = 75.0
    short_episode_s: Range = field(default_factory=lambda: Range(low=0.3, high=5.0))
    long_episode_s: Range = field(default_factory=lambda: Range(low=5.0, high=60.0))
    other_cars: float = 0.5
    ignition: float = 0.25
    oddities: float = 0.8
    left_out: tuple[str, ...] = ()
    long_attack_windows: float = 0.25

    def __post_init__(self) -> None:
        require_kinds(self.left_out)
        for name, share in (
            ("other_cars", self.other_cars),
            ("ignition", self.ignition),
            ("oddities", self.oddities),
            ("long_attack_windows", self.long_attack_windows),
        ):
            if not 0 <= share <= 1:
                raise ConfigError(f"{name} {share:g}: a share from 0 to 1 is needed")
        if min(self.short, self.long) < 0 or min(self.short_s, self.long_s) <= 0:
            raise ConfigError("a universe needs no negative numbers, and recordings of some length")
        if min(self.short_episode_s.low, self.long_episode_s.low) <= 0:
            raise ConfigError("episodes need some length")

    @classmethod
    def of_size(cls, recordings: int) -> Recipe:
        """A recipe for that many recordings, a third of them long."""
        return cls(short=recordings - recordings // 3, long=recordings // 3)

    @property
    def recordings(self) -> int:
        """Number of recordings; the short ones come first."""
        return self.short + self.long

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of attacks that occur."""
        return tuple(kind for kind in KINDS if kind not in self.left_out)

    def without(self, attack_kind: str) -> Recipe:
        """The recipe for a fold that leaves a recorded kind of attack out, twins included."""
        left_out = {*self.left_out, *twins_of(attack_kind)}
        return replace(self, left_out=tuple(kind for kind in KINDS if kind in left_out))

    def for_vehicles(self, vehicles: int) -> Recipe:
        """The recipe for training on so many vehicles: from a single one all are other cars."""
        return replace(self, other_cars=1.0) if vehicles == 1 else self

    def is_long(self, number: int) -> bool:
        """Whether recording `number` is a long one."""
        return number >= self.short


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """Which universe: the same one holds the same recordings.

    Attributes:
        dataset_digest: Digest of the training recordings that it is made from.
        seed: Another seed is another universe.
        purpose: What it is for (`train`, `held-out`); another purpose is another universe.
    """

    dataset_digest: str
    seed: int
    purpose: str = "train"

    def random(self, number: int) -> np.random.Generator:
        """The random numbers of recording `number`."""
        key = f"universe-{UNIVERSE_VERSION} {self.dataset_digest} {self.seed} {self.purpose}"
        sha = hashlib.sha256(f"{key} {number}".encode()).digest()
        return np.random.default_rng(int.from_bytes(sha[:16], "big"))
