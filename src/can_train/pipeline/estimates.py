"""What a stage will roughly take, from what its like took on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from can_train.config.frozen import load_frozen
from can_train.config.schema import AUGMENTED_EPOCH, RunConfig
from can_train.dataset.manifest import DatasetManifest
from can_train.errors import CanTrainError
from can_train.runs.layout import frozen_of_run, identity_of, iter_runs
from can_train.runs.state import RunStatus, read_status
from can_train.runs.summary import Pace, read_pace

TRAIN_SHARE: Final = 0.7
"""Share of the training recordings' windows that a stage is fitted on."""

SYNTHETIC_S: Final = 52.0
"""Mean length of a synthetic recording (`augment`), where its sources are long enough."""

HELD_OUT_RECORDINGS: Final = 60
"""Synthetic recordings that choose epochs and secure thresholds."""

BASE_BYTES: Final = 700_000_000
"""Resident size of a worker before it opens any data."""

BYTES_PER_WINDOW: Final = 30_000
"""Packed graph of a window, its scaled copy and a teacher's outputs, at a stride of 100."""

_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """Rough needs of one stage on CPUs.

    Attributes:
        seconds: All epochs, when none is saved by the patience; None: nothing like it was trained
            on this machine.
        memory_bytes: Largest resident size.
    """

    seconds: float | None
    memory_bytes: int

    @property
    def time_text(self) -> str:
        """In words: `12 min`, or `unknown`."""
        if self.seconds is None:
            return "unknown"
        if self.seconds < _MINUTE_S:
            return f"{max(self.seconds, 1):.0f} s"
        minutes = self.seconds / _MINUTE_S
        return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"

    @property
    def memory_text(self) -> str:
        """In words: `0.9 GB`."""
        return f"{self.memory_bytes / 1e9:.1f} GB"


def cost_of(config: RunConfig, manifest: DatasetManifest, pace: Pace | None = None) -> StageCost:
    """Needs of one run, from the number of its windows.

    Args:
        config: The run.
        manifest: Its dataset.
        pace: How fast its like was trained on this machine; None: not known.
    """
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
    return StageCost(
        seconds=None if pace is None else _seconds(config, drawn, pace),
        memory_bytes=round(BASE_BYTES + windows * BYTES_PER_WINDOW),
    )


def pace_of(experiment_root: Path, config: RunConfig) -> Pace | None:
    """How fast the latest run like `config` was trained on this machine; None: there is none."""
    return max(_paces(experiment_root, config), key=lambda pace: pace.ended_at, default=None)


def _seconds(config: RunConfig, drawn: float, pace: Pace) -> float:
    epoch_s = pace.epoch_s * drawn / max(pace.epoch_windows, 1)
    return round(pace.around_s + config.epochs * epoch_s, 1)


def _paces(experiment_root: Path, config: RunConfig) -> Iterator[Pace]:
    """Of finished runs of the same network and number of threads; damaged ones tell nothing."""
    for run in iter_runs(experiment_root):
        words = identity_of(run)
        if (words.model, words.model_size) != (config.model, config.model_size):
            continue
        try:
            status, found = read_status(run), load_frozen(frozen_of_run(run)).config
            pace = read_pace(run) if _was_here(status) and _is_alike(found, config) else None
        except CanTrainError:
            continue
        if pace is not None:
            yield pace


def _was_here(status: RunStatus | None) -> bool:
    process = None if status is None else status.process
    return process is not None and process.host == socket.gethostname()


def _is_alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether a window costs both the same."""
    return (
        one.data.features == other.data.features
        and one.data.window == other.data.window
        and one.training.threads == other.training.threads
        and one.architecture == other.architecture
        and one.fusion == other.fusion
    )
