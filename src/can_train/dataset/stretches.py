"""Which frames of a training recording serve which purpose, and how many windows that gives.

Rule (docs/concepts/splits-and-thresholds.md): within each recording the attack stretches and
the benign rest are each cut by time into train 70 %, validation 15 %, fusion 7.5 % and
threshold 7.5 %. Whenever the side changes, one window of frames is left out (embargo). A
window belongs to a side only if all its frames do. The rule looks at labels and time alone:
not at a seed, not at a model.

It needs labels alone, and numpy: preflight counts windows before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import DataConfig
from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.split_names import held_out_recordings
from can_train.errors import DataError
from can_train.frames.recording import Recording, column_file

PARTS: Final = ("train", "validation", "fusion", "threshold")
"""Parts into which a recording is cut, in this order."""

HELD_OUT: Final = "held_out"
_BOUNDS: Final = (0.70, 0.85, 0.925)
_MERGE_WINDOWS: Final = 10
"""Attack frames less than this many windows apart belong to one attack stretch."""

_SMALLEST_STRETCH_WINDOWS: Final = 8
"""Attacks shorter than this can't be cut with embargoes: all of them are for training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Frames `start` to `stop` (exclusive) of one recording belong to `side`."""

    recording: str
    side: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCount:
    """Windows on one side of a split."""

    benign: int = 0
    attack: int = 0

    def __add__(self, other: WindowCount) -> WindowCount:
        """Of both."""
        return WindowCount(benign=self.benign + other.benign, attack=self.attack + other.attack)


def count_windows(
    folder: Path, manifest: DatasetManifest, data: DataConfig
) -> dict[str, WindowCount]:
    """Windows of the real training recordings on each of `PARTS`; nothing is stored.

    Args:
        folder: Where the dataset is stored.
        manifest: What it holds.
        data: Window, stride and split; `windows_per_side` leaves no class out, so it isn't asked.

    Raises:
        DataError: Labels can't be read.
    """
    held_out = held_out_recordings(manifest, data.split)
    found = dict.fromkeys(PARTS, WindowCount())
    for recording in manifest.train:
        if recording in held_out or recording.labels_say_nothing:
            continue
        label = stored_labels(folder, recording)
        for side, count in _counts(label, recording, data):
            found[side] += count
    return found


def _counts(
    label: NDArray[np.uint8], recording: Recording, data: DataConfig
) -> Iterator[tuple[str, WindowCount]]:
    """Windows in each stretch; they begin at multiples of the stride."""
    before = np.concatenate([[0], np.cumsum(label, dtype=np.int64)])
    for stretch in stretches_of(label, recording, data.window):
        first = -(-stretch.start // data.stride) * data.stride
        starts = np.arange(first, stretch.stop - data.window + 1, data.stride)
        attack = int(np.count_nonzero(before[starts + data.window] > before[starts]))
        yield stretch.side, WindowCount(benign=len(starts) - attack, attack=attack)


def stored_column(folder: Path, recording: Recording, name: str) -> NDArray[Any]:
    """A column of a recording's frames [n], mapped and not read.

    Args:
        folder: Where the dataset is stored.
        recording: The recording.
        name: Of the column.

    Raises:
        DataError: It can't be read, or has another length.
    """
    path = column_file(folder / "frames" / recording.digest, name)
    try:
        found = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: no stored column ({error}). Prepare the dataset again: can-train data prepare"
        ) from error
    if found.shape[:1] != (recording.frames,):
        raise _foreign(path, recording, name)
    return found


def stored_labels(folder: Path, recording: Recording) -> NDArray[np.uint8]:
    """Labels of a recording's frames [n], uint8.

    Args:
        folder: Where the dataset is stored.
        recording: The recording.

    Raises:
        DataError: They can't be read, or aren't those of the recording.
    """
    found = stored_column(folder, recording, "label")
    fits = found.ndim == 1 and found.dtype == np.uint8 and found.max(initial=0) <= 1
    if not fits or np.count_nonzero(found) != recording.attack_frames:
        path = column_file(folder / "frames" / recording.digest, "label")
        raise _foreign(path, recording, "label")
    return found


def _foreign(path: Path, recording: Recording, name: str) -> DataError:
    return DataError(
        f"{path}: not the {name} column of {recording.name}. Prepare the dataset again: "
        "can-train data prepare"
    )


def whole(recording: Recording) -> Stretch:
    """All of a recording, kept out of training."""
    return Stretch(recording=recording.digest, side=HELD_OUT, start=0, stop=recording.frames)


def stretches_of(label: NDArray[np.uint8], recording: Recording, window: int) -> list[Stretch]:
    """Stretches of one recording by its labels [n]; see the module's docstring for the rule."""
    attack = attack_stretches(label, window)
    side = np.empty(len(label), np.int8)
    for mask in (attack, ~attack):
        total = int(mask.sum())
        if mask is attack and total < _SMALLEST_STRETCH_WINDOWS * window:
            side[mask] = 0
            continue
        share = np.arange(total) / max(total, 1)
        side[mask] = np.searchsorted(_BOUNDS, share, side="right")
    cuts = np.flatnonzero(np.diff(side)) + 1
    edges = [0, *cuts.tolist(), len(side)]
    stretches = []
    for begin, stop in zip(edges[:-1], edges[1:], strict=True):
        start = begin + (window if begin else 0)
        if stop - start >= window:
            name = PARTS[side[begin]]
            stretches.append(Stretch(recording=recording.digest, side=name, start=start, stop=stop))
    return stretches


def attack_stretches(label: NDArray[np.uint8], window: int) -> NDArray[np.bool_]:
    """Frames between the first and last attack frame of each stretch [n], bool.

    Attack frames up to ten windows apart form one stretch.
    """
    mask = np.zeros(len(label), np.bool_)
    at = np.flatnonzero(label)
    if len(at) == 0:
        return mask
    breaks = np.flatnonzero(np.diff(at) > _MERGE_WINDOWS * window)
    first = np.concatenate([at[:1], at[breaks + 1]])
    last = np.concatenate([at[breaks], at[-1:]])
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        mask[begin : end + 1] = True
    return mask
