"""Small recordings made of plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from can_train.frames.frame import Frames


def make_frames(
    times: ArrayLike,
    ids: ArrayLike,
    *,
    payload: ArrayLike | None = None,
    dlc: ArrayLike | None = None,
    label: ArrayLike | None = None,
) -> Frames:
    """Frames with zero payloads, DLC 8 and no attack unless given."""
    n = len(np.asarray(times))
    return Frames(
        timestamp=np.asarray(times, np.float64),
        arbitration_id=np.asarray(ids, np.uint32),
        dlc=np.full(n, 8, np.uint8) if dlc is None else np.asarray(dlc, np.uint8),
        payload=np.zeros((n, 8), np.uint8) if payload is None else np.asarray(payload, np.uint8),
        label=np.zeros(n, np.uint8) if label is None else np.asarray(label, np.uint8),
    )


def random_frames(n: int, *, ids: int = 12, seed: int = 0, extended: bool = True) -> Frames:
    """A recording with equal and backward time steps, several DLCs and attack frames."""
    rng = np.random.default_rng(seed)
    steps = rng.exponential(5e-4, n)
    steps[rng.random(n) < 0.02] = 0.0
    steps[rng.random(n) < 0.01] = -2e-4
    known = np.concatenate([rng.choice(2048, ids, replace=False), [0]]).astype(np.uint32)
    if extended:
        known[:3] = 0x8000_0000 | rng.integers(0x800, 1 << 29, 3).astype(np.uint32)
    dlc = rng.integers(0, 9, n).astype(np.uint8)
    payload = rng.integers(0, 256, (n, 8)).astype(np.uint8)
    payload[np.arange(8) >= dlc[:, None]] = 0
    return Frames(
        timestamp=1.0e9 + np.cumsum(steps),
        arbitration_id=rng.choice(known, n),
        dlc=dlc,
        payload=payload,
        label=(rng.random(n) < 0.01).astype(np.uint8),
    )
