"""Which windows of the training recordings serve which purpose, by the rule of `stretches`."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.manifest import DatasetManifest, split_digest
from can_train.dataset.split_names import held_out_recordings
from can_train.dataset.stretches import HELD_OUT, PARTS, Stretch, stretches_of, whole
from can_train.errors import ConfigError, DataError, did_you_mean
from can_train.files import write_text
from can_train.frames.store import verified_frames
from can_train.graphs.store import GraphStore

logger = logging.getLogger("can_train")

SIDES: Final = (
    *PARTS, HELD_OUT,
    "synthetic_train", "synthetic_validation", "synthetic_fusion", "synthetic_threshold",
)  # fmt: skip
"""Sides of a split: `fusion` and `threshold` are the two halves of the calibration part."""

UNUSED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A named split of the training recordings of one dataset."""

    name: str
    window: int
    digest: str
    stretches: tuple[Stretch, ...]

    def sides(self, store: GraphStore) -> NDArray[np.int8]:
        """Index into `SIDES` for each window of the store, or `UNUSED` [B], int8."""
        sides = np.full(len(store), UNUSED, np.int8)
        number = {r.digest: i for i, r in enumerate(store.recordings)}
        stop = store.start + store.spec.window
        for stretch in self.stretches:
            inside = (
                (store.recording == number[stretch.recording])
                & (store.start >= stretch.start)
                & (stop <= stretch.stop)
            )
            sides[inside] = SIDES.index(stretch.side)
        return np.where(store.marks == 0, sides, store.marks).astype(np.int8)


def open_split(data_root: Path, manifest: DatasetManifest, *, name: str, window: int) -> Split:
    """The stored split, computed and stored first if it isn't there.

    Raises:
        PreflightError: The dataset has no split of that name.
        DataError: The stored split was altered.
    """
    digest = split_digest(manifest.identity, name, window)
    folder = manifest.ref.folder(data_root)
    path = folder / "splits" / f"{digest[:16]}.json"
    held_out = held_out_recordings(manifest, name)
    if not path.is_file():
        stretches: list[Stretch] = []
        for recording in manifest.train:
            if recording in held_out:
                stretches.append(whole(recording))
            elif recording.labels_say_nothing:
                logger.warning("%s: no window is used, its labels say nothing", recording.name)
            else:
                stretches += stretches_of(
                    verified_frames(folder, recording).label, recording, window
                )
        _store(path, Split(name=name, window=window, digest=digest, stretches=tuple(stretches)))
    return _load(path)


def audit(store: GraphStore, sides: NDArray[np.int8]) -> None:
    """Proves that no frame is scored on two sides, and that an embargo lies between them.

    Raises:
        DataError: A frame lies in windows of two sides, or two sides are under one window apart.
    """
    for number, recording in enumerate(store.recordings):
        here = np.flatnonzero((store.recording == number) & (sides != UNUSED))
        here = here[np.argsort(store.start[here], kind="stable")]
        change = np.flatnonzero(np.diff(sides[here]))
        apart = store.start[here[change + 1]] - (store.start[here[change]] + store.spec.window)
        if len(apart) and apart.min() < store.spec.window:
            at = int(store.start[here[change[apart.argmin()]]])
            raise DataError(
                f"{recording.name}: the sides of the split are {apart.min()} frames apart near "
                f"frame {at}, at least {store.spec.window} are needed"
            )


def _store(path: Path, split: Split) -> None:
    rows = [[i.recording, i.side, i.start, i.stop] for i in split.stretches]
    body = {"name": split.name, "window": split.window, "digest": split.digest, "intervals": rows}
    document = {"sha256": _checksum(body), **body}
    write_text(path, json.dumps(document, indent=1))


def _load(path: Path) -> Split:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        stated = document.pop("sha256")
        stretches = tuple(
            Stretch(recording=row[0], side=row[1], start=row[2], stop=row[3])
            for row in document["intervals"]
        )
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{path}: not a stored split ({error}). Remove it: it is remade") from error
    if stated != _checksum(document):
        raise DataError(
            f"{path}: the split was altered after it was stored. Remove it: it is remade"
        )
    return Split(
        name=document["name"],
        window=document["window"],
        digest=document["digest"],
        stretches=stretches,
    )


def _checksum(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def windows_on(sides: NDArray[np.int8], names: Sequence[str]) -> NDArray[np.int64]:
    """Indices of the windows on any of the named sides, in stored order.

    Raises:
        ConfigError: There is no such side.
    """
    for name in names:
        if name not in SIDES:
            raise ConfigError(
                f"no side {name} of a split{did_you_mean(name, SIDES) or '.'} "
                f"Allowed: {', '.join(SIDES)}"
            )
    return np.flatnonzero(np.isin(sides, [SIDES.index(name) for name in names]))


def thinned(
    sides: NDArray[np.int8], label: NDArray[np.uint8], most: int | None
) -> NDArray[np.int8]:
    """`sides` with at most `most` windows on each side, evenly spread; the others are unused.

    Attack windows make up a third of them where there are so many, since a side without any can
    train nothing.

    Args:
        sides: Side of each window [B].
        label: Label of each window [B].
        most: Largest number of windows per side; None: all.
    """
    if most is None:
        return sides
    kept = np.full_like(sides, UNUSED)
    for side in range(len(SIDES)):
        benign, attack = (np.flatnonzero((sides == side) & (label == y)) for y in (0, 1))
        attacks = min(len(attack), max(most // 3, most - len(benign)))
        for windows, number in ((attack, attacks), (benign, min(len(benign), most - attacks))):
            chosen = np.linspace(0, len(windows) - 1, number).round().astype(np.int64)
            kept[windows[chosen]] = side
    return kept
