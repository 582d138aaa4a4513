"""The synthetic recordings that belong to a split: which there are, and what each is for.

Those for training are made from the training side of the dataset's own recordings; those that
choose epochs, fit the fusion and secure thresholds from the other sides. They never enter the ID
vocabulary, and the official tests have no part in them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from can_train.config.schema import UNIVERSE_VERSION
from can_train.config.split_name import fold_of
from can_train.dataset.augment.attacks import KINDS
from can_train.dataset.augment.recipe import Recipe, Universe
from can_train.dataset.augment.synthesis import SyntheticRecording, TrafficSource, recordings
from can_train.dataset.manifest import DatasetManifest, split_digest
from can_train.dataset.sources import (
    HELD_OUT,
    SHORTEST_SOURCE_S,
    TRAINING,
    is_source,
    no_source,
    source_spans,
)
from can_train.dataset.splits import SIDES, UNUSED, Split
from can_train.errors import DataError
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import verified_frames
from can_train.graphs.packing import MadeRecording

SCENARIO: Final = "synthetic"
HELD_OUT_RECORDINGS: Final = 12
HELD_OUT_SIDES: Final = ("synthetic_validation", "synthetic_fusion")
"""Sides of the held-out recordings, in turn."""

THRESHOLD_RECORDINGS: Final = 48
"""Without attacks. A quantile of twelve recordings would depend on which twelve were drawn."""

_ENOUGH_SOURCES: Final = 3
"""With fewer attack-free stretches, benign frames of recordings with attacks serve, too."""


@dataclass(frozen=True, kw_only=True)
class SplitUniverse:
    """Makes the synthetic recordings of one split.

    Attributes:
        folder: Where the dataset is stored.
        manifest: The dataset.
        split: The split.
        size: Number of recordings for training.
        window: Frames per window.
    """

    folder: Path
    manifest: DatasetManifest
    split: Split
    size: int
    window: int

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """What is made for which purpose."""
        fold = fold_of(self.split.name)
        found = {
            "train": Recipe.of_size(self.size),
            "held-out": Recipe.of_size(HELD_OUT_RECORDINGS),
            # Thresholds are for cars that are running: one that is being switched on is rare.
            "threshold": Recipe(short=THRESHOLD_RECORDINGS, long=0, ignition=0.0, left_out=KINDS),
        }
        if fold is not None and fold.rule == "leave-attack-out":
            found = {name: recipe.without(fold.value) for name, recipe in found.items()}
        return found

    @property
    def digests(self) -> list[str]:
        """What decides each recording."""
        return [
            _sha256(
                purpose,
                number,
                asdict(recipe),
                split_digest(self.manifest.training_digest, self.split.name, self.window),
                SIDES,
                HELD_OUT_SIDES,
                SHORTEST_SOURCE_S,
                _ENOUGH_SOURCES,
            )
            for purpose, recipe in self.recipes.items()
            for number in range(recipe.recordings)
        ]

    def recordings(self) -> Iterator[MadeRecording]:
        """All of them, those for training first."""
        digests = iter(self.digests)
        for purpose, recipe in self.recipes.items():
            universe = Universe(
                dataset_digest=self.manifest.training_digest, seed=0, purpose=purpose
            )
            sources = self._sources(training=purpose == "train")
            if not sources:
                part = TRAINING if purpose == "train" else HELD_OUT
                raise DataError(no_source(self.manifest.dataset, self.split.name, (part,)))
            for number, made in enumerate(recordings(sources, universe, recipe)):
                side = f"synthetic_{purpose}"
                if purpose == "held-out":
                    side = _held_out_side(number, len(sources))
                yield self._described(f"{purpose}-{number}", side, made, next(digests))

    def _described(
        self, name: str, side: str, made: SyntheticRecording, digest: str
    ) -> MadeRecording:
        frames = made.frames
        kinds = {episode.kind for episode in made.episodes}
        recording = Recording(
            scenario=SCENARIO,
            name=name,
            digest=digest,
            frames=len(frames),
            attack_frames=int(np.count_nonzero(frames.label)),
            start_s=float(frames.timestamp[0]),
            duration_s=float(np.ptp(frames.timestamp)),
            attack_kind="+".join(kind for kind in KINDS if kind in kinds) or "none",
            vehicle=made.vehicle,
            source="",
        )

        def marks(starts: NDArray[np.int64]) -> NDArray[np.int8]:
            return _marks(made, starts, self.window, SIDES.index(side))

        return MadeRecording(recording=recording, frames=frames, marks=marks)

    def _sources(self, *, training: bool) -> list[TrafficSource]:
        """Benign stretches of the training side, or of all others."""
        free: list[TrafficSource] = []
        others: list[TrafficSource] = []
        for recording in self.manifest.train:
            stretches = [s for s in self.split.stretches if s.recording == recording.digest]
            spans = source_spans(stretches, training=training)
            if not spans:
                continue
            frames = verified_frames(self.folder, recording)
            for start, stop in spans:
                piece = _benign(frames[start:stop])
                if len(piece) > 1 and is_source(float(np.ptp(piece.timestamp))):
                    source = TrafficSource(frames=piece, vehicle=recording.vehicle)
                    (others if recording.attack_frames else free).append(source)
        return free if len(free) >= _ENOUGH_SOURCES else [*free, *others]


def _held_out_side(number: int, sources: int) -> str:
    """Side of a held-out recording. Sources take turns, too, and each is to serve every side."""
    turn = number + number // math.lcm(sources, len(HELD_OUT_SIDES))
    return HELD_OUT_SIDES[turn % len(HELD_OUT_SIDES)]


def _marks(
    made: SyntheticRecording, starts: NDArray[np.int64], window: int, side: int
) -> NDArray[np.int8]:
    """Side of each window [B], or `UNUSED`: suppressed ones, and most of the long attacks'."""
    frames = starts[:, None] + np.arange(window)
    attack = made.frames.label[frames].any(axis=1)
    silent = (made.kind_of_frame[frames] >= 0).any(axis=1) & ~attack
    marks = np.full(len(starts), side, np.int8)
    marks[silent] = UNUSED
    if made.attack_windows < 1.0 and SIDES[side] == "synthetic_train":
        at = np.flatnonzero(attack)
        kept = np.floor(np.arange(len(at)) * made.attack_windows) != np.floor(
            np.arange(-1, len(at) - 1) * made.attack_windows
        )
        marks[at[~kept]] = UNUSED
    return marks


def _benign(frames: Frames) -> Frames:
    """The frames without the injected ones."""
    rows = np.flatnonzero(frames.label == 0)
    return Frames(
        timestamp=np.asarray(frames.timestamp[rows]),
        arbitration_id=np.asarray(frames.arbitration_id[rows]),
        dlc=np.asarray(frames.dlc[rows]),
        payload=np.ascontiguousarray(frames.payload[rows]),
        label=np.asarray(frames.label[rows]),
    )


def _sha256(*parts: object) -> str:
    text = json.dumps(["universe", UNIVERSE_VERSION, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
