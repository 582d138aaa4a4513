"""All kinds of synthetic attacks in one table, and which of them a named attack has as twins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from can_train.dataset.augment import injections, replacements
from can_train.dataset.augment.forgery import Forgery, Opening
from can_train.dataset.augment.streams import CarTraffic
from can_train.errors import ConfigError, did_you_mean

MakeAttack = Callable[[CarTraffic, Opening, np.random.Generator], Forgery]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticAttack:
    """One kind of attack.

    Attributes:
        name: What it is called everywhere.
        weight: How often an episode of a short recording is of this kind, relative to others.
            Attacks of a few frames weigh more, since each gives few windows.
        make: Makes one episode.
    """

    name: str
    weight: float
    make: MakeAttack


ATTACKS: Final = (
    SyntheticAttack(name="flood", weight=0.7, make=injections.flood),
    SyntheticAttack(name="flood-known", weight=0.4, make=injections.flood_known),
    SyntheticAttack(name="fuzz-new", weight=1.0, make=injections.fuzz_new),
    SyntheticAttack(name="fuzz-known", weight=1.0, make=injections.fuzz_known),
    SyntheticAttack(name="malfunction", weight=1.5, make=injections.malfunction),
    SyntheticAttack(name="single", weight=2.5, make=injections.single),
    SyntheticAttack(name="targeted", weight=2.0, make=injections.targeted),
    SyntheticAttack(name="replay", weight=1.0, make=injections.replay),
    SyntheticAttack(name="sweep", weight=1.0, make=injections.sweep),
    SyntheticAttack(name="sweep-known", weight=1.0, make=injections.sweep_known),
    SyntheticAttack(name="masquerade", weight=1.5, make=replacements.masquerade),
    SyntheticAttack(name="suppression", weight=0.5, make=replacements.suppression),
    SyntheticAttack(name="late-id", weight=1.0, make=replacements.late_id),
)
"""Every kind; a frame's kind is an index into this table. Add new ones at the end."""

KINDS: Final = tuple(attack.name for attack in ATTACKS)
SUPPRESSION: Final = KINDS.index("suppression")

_SPOOFING: Final = ("flood-known", "malfunction", "single", "targeted")
_TWINS: Final[dict[str, tuple[str, ...]]] = {
    "dos": ("flood", "flood-known"),
    "flood": ("flood", "flood-known"),
    "fuzz": ("fuzz-new", "fuzz-known"),
    "payload": ("fuzz-known", *_SPOOFING),
    "malfunction": _SPOOFING,
    "gear": _SPOOFING,
    "rpm": _SPOOFING,
    "speed": _SPOOFING,
    "standstill": _SPOOFING,
    "force": _SPOOFING,
    "neutral": _SPOOFING,
    "spoof": _SPOOFING,
    "fabricat": _SPOOFING,
    "target": ("targeted", "single"),
    "replay": ("replay",),
    "playback": ("replay", "masquerade"),
    "systematic": ("sweep", "sweep-known"),
    "sweep": ("sweep", "sweep-known"),
    "suppress": ("suppression", "late-id"),
    "masquerade": ("masquerade", "late-id"),
    "plateau": ("masquerade",),
    "continuous": ("masquerade",),
}
"""How words in the names of recorded attacks begin or end, and the kinds that do the same.

The names are those of can-train-and-test, HCRL's Car-Hacking, Survival-Analysis and Challenge
sets, ROAD and SynCAN.
"""

_UNKNOWN: Final = ("fuzz-known", *_SPOOFING, "replay", "masquerade", "late-id")
"""Twins of a name that tells nothing: everything that speaks in the name of a known ID."""


def twins_of(attack_kind: str) -> tuple[str, ...]:
    """Synthetic kinds that a recorded kind of attack (`DoS`, `rpm-accessory`) looks like.

    A fold that leaves the recorded kind out leaves these out too, or training would know it
    after all. In doubt there are more of them; `none` has none.
    """
    if attack_kind == "none":
        return ()
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", attack_kind).lower())
    found = {
        twin
        for begin, twins in _TWINS.items()
        if any(word.startswith(begin) or word.endswith(begin) for word in (*words, "".join(words)))
        for twin in twins
    }
    return tuple(kind for kind in KINDS if kind in (found or _UNKNOWN))


def require_kinds(names: Iterable[str]) -> None:
    """Raises a `ConfigError` for names that aren't kinds of synthetic attacks."""
    wrong = [name for name in names if name not in KINDS]
    if wrong:
        raise ConfigError(
            f"no kind of synthetic attack: {', '.join(wrong)}"
            f"{did_you_mean(wrong[0], KINDS) or '.'} Allowed: {', '.join(KINDS)}"
        )
