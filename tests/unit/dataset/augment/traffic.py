"""Small cars with exact periods."""

from __future__ import annotations

import numpy as np

from can_train.dataset.augment.forgery import Opening
from can_train.dataset.augment.streams import CarTraffic, by_time, join
from can_train.frames.frame import EXTENDED_FLAG, Frames

STANDARD = (0x110, 0x120, 0x1A0, 0x2B0, 0x316, 0x43F, 0x510, 0x5A0)
EXTENDED = tuple(int(EXTENDED_FLAG) | i for i in (0x18FEF100, 0x18FEF200, 0x0CF00400, 0x18F00131))
PERIODS_S = (0.01, 0.01, 0.02, 0.02, 0.05, 0.1, 0.1, 0.5)


def car_frames(
    *,
    ids: tuple[int, ...] = STANDARD,
    duration_s: float = 20.0,
    dlc: tuple[int, ...] = (8, 8, 6, 8, 4, 8, 2, 0),
    width: int = 8,
    seed: int = 0,
) -> Frames:
    """Benign frames: each ID with its own exact period, a counter in byte 0, constants behind."""
    rng = np.random.default_rng(seed)
    parts = []
    for arbitration_id, period_s, length in zip(ids, PERIODS_S, dlc, strict=False):
        n = int(duration_s / period_s)
        payload = np.repeat(rng.integers(1, 255, (1, width), dtype=np.uint8), n, axis=0)
        payload[:, 0] = np.arange(n) % 256
        payload[:, length:] = 0
        parts.append(
            Frames(
                timestamp=np.asarray(
                    rng.uniform(0, period_s / 2) + period_s * np.arange(n), np.float64
                ),
                arbitration_id=np.full(n, arbitration_id, np.uint32),
                dlc=np.full(n, length, np.uint8),
                payload=payload,
                label=np.zeros(n, np.uint8),
            )
        )
    return by_time(join(parts))


CARS = {
    "standard": car_frames(),
    "extended": car_frames(ids=EXTENDED),
    "mixed": car_frames(ids=STANDARD[:4] + EXTENDED),
    "can-fd": car_frames(dlc=(64, 48, 8, 12, 32, 8, 2, 0), width=64),
}


def opening_of(car: CarTraffic, start_s: float = 8.0, end_s: float = 12.0) -> Opening:
    everything = np.ones(len(car.ids), np.bool_)
    return Opening(start_s=start_s, end_s=end_s, victims=everything, untouched=everything)


def assert_sound(frames: Frames, width: int = 8) -> None:
    """What holds for all frames that the universe makes."""
    assert frames.timestamp.dtype == np.float64
    assert frames.arbitration_id.dtype == np.uint32
    assert {frames.dlc.dtype, frames.payload.dtype, frames.label.dtype} == {np.dtype(np.uint8)}
    assert frames.payload.shape == (len(frames), width)
    assert len(frames.arbitration_id) == len(frames.dlc) == len(frames.label) == len(frames)
    assert frames.timestamp[0] >= 0
    assert (np.diff(frames.timestamp) >= 0).all()
    extended = (frames.arbitration_id & EXTENDED_FLAG) != 0
    assert (frames.arbitration_id[~extended] <= 0x7FF).all()
    assert ((frames.arbitration_id[extended] & ~EXTENDED_FLAG) <= 0x1FFF_FFFF).all()
    assert (frames.dlc <= width).all()
    assert not frames.payload[np.arange(width) >= frames.dlc[:, None]].any()
