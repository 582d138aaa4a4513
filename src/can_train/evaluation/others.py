"""Detectors of others in an evaluation: what they learn from, and their scores of every window.

They learn from the windows that the models and controls learn from, and are scored on whole
recordings, as these are. Recordings that thresholds come from and test recordings are handed out
one at a time in the order of their digests, so that their place tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from can_train.baselines.fitted import FittedDetector, fit_detector
from can_train.baselines.named import DetectorIdentity, NamedDetector
from can_train.baselines.recording import UnlabelledRecording, unlabelled
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.errors import counted
from can_train.evaluation.places import Place
from can_train.frames.recording import Recording
from can_train.frames.store import verified_frames
from can_train.graphs.store import GraphStore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OtherDetectors:
    """Detectors of others, after all that they had to do.

    Attributes:
        named: Which ones.
        scores: Score of each window of a recording that begins at a multiple of the stride, by
            digest of the recording and name of the detector.
    """

    named: tuple[NamedDetector, ...]
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]]

    def of(self, store: GraphStore, windows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Scores of windows [B] of a store, by detector [B]."""
        found = {each.name: np.empty(len(windows)) for each in self.named}
        if not found:
            return {}
        of_window = store.recording[windows]
        number = store.start[windows] // store.spec.stride
        for recording in np.unique(of_window).tolist():
            inside = of_window == recording
            scores = self.scores[store.recordings[recording].digest]
            for name, score in found.items():
                score[inside] = scores[name][number[inside]]
        return found

    def thresholds(self, inputs: DatasetWindows, target_fpr: float) -> dict[str, Threshold]:
        """By the rule of all controls, from the same windows."""
        benign = inputs.windows("threshold", benign=True)
        found = self.of(inputs.store, benign)
        return {name: conformal_threshold(score, target_fpr) for name, score in found.items()}

    @property
    def identities(self) -> dict[str, DetectorIdentity]:
        """Which ones they were, by name."""
        return {each.name: each.identity for each in self.named}


def score_others(
    named: Sequence[NamedDetector],
    inputs: DatasetWindows,
    places: Sequence[Place],
    seed: int,
    tell: Callable[[str], None],
) -> OtherDetectors:
    """Lets detectors learn, and scores each recording once.

    Args:
        named: Which ones.
        inputs: The dataset, and which windows of it serve what.
        places: What is scored, beside the windows that thresholds come from.
        seed: Of what is drawn while they learn.
        tell: Called with what is done next.

    Raises:
        TrainingError: One of them fails.
    """
    scores: dict[str, dict[str, NDArray[np.float64]]] = {}
    fitted = _fitted(named, inputs, seed, tell)
    recordings = _recordings(inputs, places) if fitted else {}
    spec = inputs.store.spec
    for digest in sorted(recordings):
        folder, recording = recordings[digest]
        what = f"{recording.scenario}/{recording.name}"
        tell(f"scoring {what} by {', '.join(each.name for each in named)}")
        handed = unlabelled(verified_frames(folder, recording), spec.window, spec.stride)
        scores[digest] = {each.named.name: each.score(handed, what) for each in fitted}
    return OtherDetectors(named=tuple(named), scores=scores)


def _fitted(
    named: Sequence[NamedDetector],
    inputs: DatasetWindows,
    seed: int,
    tell: Callable[[str], None],
) -> list[FittedDetector]:
    """One kind after the other, so that only one set of recordings is held at a time."""
    found: dict[str, FittedDetector] = {}
    for with_labels in (False, True):
        which = [each for each in named if each.needs_labels is with_labels]
        if not which:
            continue
        parts = list(training_stretches(inputs, benign=not with_labels))
        recordings, labels = [part for part, _ in parts], [label for _, label in parts]
        for each in which:
            tell(f"fitting {each.name}: {counted(len(parts), 'training recording')}")
            found[each.name] = fit_detector(each, recordings, labels, seed)
    return [found[each.name] for each in named]


def training_stretches(
    inputs: DatasetWindows, *, benign: bool
) -> Iterator[tuple[UnlabelledRecording, NDArray[np.uint8]]]:
    """The frames of windows on the training side, in stretches without a gap, and their labels.

    Args:
        inputs: The dataset.
        benign: Only windows without an attack frame.
    """
    store, spec = inputs.store, inputs.store.spec
    windows = inputs.windows("train", benign=benign)
    number, start = store.recording[windows], store.start[windows]
    order = np.lexsort((start, number))
    number, start = number[order], start[order]
    apart = (np.diff(number) != 0) | (np.diff(start) > spec.window)
    first = np.flatnonzero(np.append(True, apart))
    last = np.append(first[1:], len(start)) - 1
    for recording in np.unique(number).tolist():
        frames = verified_frames(inputs.folder, store.recordings[recording])
        here = np.flatnonzero(number[first] == recording)
        begins, ends = start[first[here]].tolist(), (start[last[here]] + spec.window).tolist()
        for begin, end in zip(begins, ends, strict=True):
            label = np.array(frames.label[begin:end], np.uint8)
            yield unlabelled(frames, spec.window, spec.stride, begin, end), label


def _recordings(
    inputs: DatasetWindows, places: Sequence[Place]
) -> dict[str, tuple[Path, Recording]]:
    """What is scored, with the folder that holds its frames, by digest."""
    held = [(inputs.folder, inputs.store, inputs.windows("threshold", benign=True))]
    held += [(place.folder, place.store, place.windows) for place in places]
    return {
        store.recordings[number].digest: (folder, store.recordings[number])
        for folder, store, windows in held
        for number in np.unique(store.recording[windows]).tolist()
    }
