"""What a stage will roughly take, told before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from can_train.config.schema import AUGMENTED_EPOCH, RunConfig
from can_train.config.spec import spec_of
from can_train.dataset.manifest import DatasetManifest

TRAIN_SHARE: Final = 0.7
"""Share of the training recordings' windows that a stage is fitted on."""

THREAD_GAIN: Final = 0.6
"""What each further thread adds to the first one's speed."""

SYNTHETIC_S: Final = 52.0
"""Mean length of a synthetic recording (`augment`), where its sources are long enough."""

HELD_OUT_RECORDINGS: Final = 24
"""Synthetic recordings that choose epochs and secure thresholds."""

START_S: Final = 15.0
"""Importing torch, opening the store, calibrating and saving."""

BASE_BYTES: Final = 700_000_000
"""Resident size of a worker before it opens any data."""

BYTES_PER_WINDOW: Final = 30_000
"""Packed graph of a window, its scaled copy and a teacher's outputs, at a stride of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """Rough needs of one stage on CPUs.

    Attributes:
        seconds: All epochs, when none is saved by the patience.
        memory_bytes: Largest resident size.
    """

    seconds: float
    memory_bytes: int

    @property
    def text(self) -> str:
        """In words: `about 12 min on CPUs if no epoch is saved, 0.9 GB`."""
        minutes = self.seconds / 60
        span = f"{max(minutes, 1):.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
        return f"about {span} on CPUs if no epoch is saved, {self.memory_bytes / 1e9:.1f} GB"


def cost_of(config: RunConfig, manifest: DatasetManifest) -> StageCost:
    """Needs of one run, from the number of its windows and its detector's measured cost."""
    window, stride = config.data.window, config.data.stride
    windows = sum(max(0, 1 + (r.frames - window) // stride) for r in manifest.train)
    fitted = most = TRAIN_SHARE * windows
    if config.data.augment:
        seconds = sum(r.duration_s for r in manifest.train)
        per_recording = SYNTHETIC_S * windows / seconds if seconds else 0.0
        fitted += config.data.augment * per_recording
        most *= AUGMENTED_EPOCH
        windows += round((config.data.augment + HELD_OUT_RECORDINGS) * per_recording)
    if config.data.windows_per_side is not None:
        fitted = min(fitted, config.data.windows_per_side)
    drawn = min(fitted, config.training.windows_per_epoch or most)
    speed = 1 + THREAD_GAIN * (config.training.threads - 1)
    window_s = spec_of(config.model).cost_s[config.model_size] / speed
    return StageCost(
        seconds=round(START_S + config.training.epochs * drawn * window_s, 1),
        memory_bytes=round(BASE_BYTES + windows * BYTES_PER_WINDOW),
    )
