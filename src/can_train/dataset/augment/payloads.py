"""Payloads that an attacker sends: fixed or changing, arbitrary or nearly right."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.augment.draws import chance

ALL_ONES: Final = 0xFF
_MOST_BYTES_FORGED: Final = 4
_MOST_BYTES_CHANGING: Final = 7


def random_bytes(n: int, width: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Any bytes [n, width]."""
    return rng.integers(0, 256, (n, width), dtype=np.uint8)


def forged(
    base: NDArray[np.uint8], dlc: int, n: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Half of the times one payload repeated, half of the times payloads that change [n, P].

    Args:
        base: A genuine payload of the ID [P].
        dlc: Its length; bytes beyond it stay as they are.
        n: How many.
        rng: Random numbers.
    """
    return fixed(base, dlc, n, rng) if chance(rng, 0.5) else changing(base, dlc, n, rng)


def fixed(base: NDArray[np.uint8], dlc: int, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One payload n times [n, P]: all zeros or ones, arbitrary, or `base` with bytes forged."""
    one = base.copy()
    form = rng.random()
    if form < 0.25:
        one[:dlc] = ALL_ONES if chance(rng, 0.5) else 0
    elif form < 0.5:
        one[:dlc] = random_bytes(1, dlc, rng)
    elif dlc:
        places = _some_places(dlc, _MOST_BYTES_FORGED, rng)
        one[places] = (
            rng.integers(0, 256, len(places), dtype=np.uint8)
            if chance(rng, 0.6)
            else rng.choice(np.array([0, ALL_ONES], np.uint8), len(places))
        )
    return np.repeat(one[None], n, axis=0)


def changing(
    base: NDArray[np.uint8], dlc: int, n: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """`base` with the same bytes arbitrary in each frame [n, P]."""
    payload = np.repeat(base[None], n, axis=0)
    if dlc:
        places = _some_places(dlc, _MOST_BYTES_CHANGING, rng)
        payload[:, places] = random_bytes(n, len(places), rng)
    return payload


def ramped(payload: NDArray[np.uint8], dlc: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The payloads [n, P] with one byte that slowly drifts from the truth."""
    if not dlc:
        return payload
    drift = np.linspace(1, rng.uniform(20, 200), len(payload)).astype(np.uint8)
    drifting = payload.copy()
    drifting[:, rng.integers(0, dlc)] += drift
    return drifting


def _some_places(dlc: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(dlc, int(rng.integers(1, min(dlc, most) + 1)), replace=False)
