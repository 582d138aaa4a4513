"""Which recordings repeat traffic that a detector was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import load_frames
from can_train.graphs.build import window_count
from can_train.graphs.counts import sequence_hashes
from can_train.graphs.identity import WindowSpec


def repeated_shares(
    folder: Path, training: Sequence[Recording], others: Sequence[Frames], spec: WindowSpec
) -> list[float]:
    """Share of each recording's windows whose frames also follow each other in a training one.

    Frames are the same with the same ID and payload, whatever their time; one training recording
    is in memory at a time.

    Args:
        folder: Where the dataset is stored.
        training: Its training recordings.
        others: Recordings to look at.
        spec: What a window is.
    """
    hashes = [_of_windows(frames, spec) for frames in others]
    wanted = np.unique(np.concatenate([np.zeros(0, np.uint64), *hashes]))
    seen = np.zeros(len(wanted), np.bool_)
    for recording in training:
        seen |= np.isin(wanted, _hashes(load_frames(folder, recording), spec))
    return [float(seen[np.searchsorted(wanted, own)].mean()) if len(own) else 0.0 for own in hashes]


def _of_windows(frames: Frames, spec: WindowSpec) -> NDArray[np.uint64]:
    """Hash of each full window [B]."""
    count = window_count(len(frames), spec.window, spec.stride)
    return _hashes(frames, spec)[np.arange(count) * spec.stride]


def _hashes(frames: Frames, spec: WindowSpec) -> NDArray[np.uint64]:
    return sequence_hashes(frames.arbitration_id, frames.dlc, frames.payload_words, spec.window)
