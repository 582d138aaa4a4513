"""What synthetic recordings are made from: benign traffic of the sides of a split, in one piece.

It needs labels and timestamps alone, and numpy: preflight asks before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.split_names import held_out_recordings
from can_train.dataset.stretches import Stretch, stored_column, stored_labels, stretches_of
from can_train.frames.recording import Recording

SHORTEST_SOURCE_S: Final = 3.0
"""Stretches shorter than this would be warm-up and little else."""

TRAINING: Final = "training"
HELD_OUT: Final = "validation and calibration"
"""The two parts of a split, each of which needs a source of its own."""


def parts_without_source(
    folder: Path, manifest: DatasetManifest, data: DataConfig
) -> tuple[str, ...]:
    """Parts of a split that hold too little benign traffic to make synthetic recordings from.

    Args:
        folder: Where the dataset is stored.
        manifest: What it holds.
        data: Window and split.

    Raises:
        DataError: Labels or timestamps can't be read.
    """
    held_out = held_out_recordings(manifest, data.split)
    lacking = [TRAINING, HELD_OUT]
    for recording in manifest.train:
        if not lacking:
            break
        if recording not in held_out and not recording.labels_say_nothing:
            lacking = [part for part in lacking if not _has(folder, recording, data, part)]
    return tuple(lacking)


def source_spans(stretches: Iterable[Stretch], *, training: bool) -> list[tuple[int, int]]:
    """Frames of one recording from which those of a part are made, as (start, stop).

    Args:
        stretches: Its stretches.
        training: Those of the training side; else those of all others, which lie one behind the
            other with embargoes between them, and are taken as one piece where no training
            stretch separates them.
    """
    wanted = {"train"} if training else {"validation", "fusion", "threshold"}
    mine: list[tuple[int, int]] = []
    barriers: list[int] = []
    for stretch in stretches:
        if stretch.side in wanted:
            mine.append((stretch.start, stretch.stop))
        elif stretch.side == "train":
            barriers.append(stretch.start)
    return mine if training else _joined(mine, barriers)


def no_source(dataset: str, split: str, parts: Sequence[str]) -> str:
    """What is said where a part of a split holds no source."""
    return (
        f"--augment: dataset {dataset}, split {split} has no {SHORTEST_SOURCE_S:g} s of benign "
        f"traffic in one piece in its part for {' and in that for '.join(parts)} to make synthetic "
        "recordings from. Train without them: --augment off, or import longer recordings of "
        "benign traffic"
    )


def is_source(seconds: float) -> bool:
    """Whether benign traffic of that length will do."""
    return seconds >= SHORTEST_SOURCE_S


def _has(folder: Path, recording: Recording, data: DataConfig, part: str) -> bool:
    label = stored_labels(folder, recording)
    stretches = stretches_of(label, recording, data.window)
    timestamp = stored_column(folder, recording, "timestamp")
    spans = source_spans(stretches, training=part == TRAINING)
    benign = (timestamp[start:stop][label[start:stop] == 0] for start, stop in spans)
    return any(len(piece) > 1 and is_source(float(np.ptp(piece))) for piece in benign)


def _joined(spans: Sequence[tuple[int, int]], barriers: Sequence[int]) -> list[tuple[int, int]]:
    """Spans that no barrier separates, as one."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if found and not any(found[-1][1] <= barrier < start for barrier in barriers):
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found
