"""Profiles of the vehicles that a detector was trained on, with a threshold: a scorer of its own.

It sees frames, not graphs, and speaks only on those vehicles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from can_train.dataset.splits import Split, open_split
from can_train.dataset.stretches import attack_stretches
from can_train.dataset.windows import DatasetWindows
from can_train.detectors.calibration import Threshold, conformal_threshold
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.frames.frame import Frames
from can_train.frames.recording import Recording
from can_train.frames.store import verified_frames
from can_train.graphs.steady import SteadyClock
from can_train.graphs.store import GraphStore
from can_train.vehicle.fit import ProfileSource, fit_profile
from can_train.vehicle.profile import VehicleProfile
from can_train.vehicle.windows import frame_scores, largest_in

ROW: Final = "vehicle_profile"
"""Its name among scorers."""

CALIBRATION_SIDES: Final = ("validation", "threshold")
"""Sides of the split that the profiles aren't fitted on."""

LEAST_THRESHOLD: Final = 0.5
"""In units of what is usual: less than half of one is no deviation, however seldom it was seen."""

_AFTER_ATTACK_S: Final = 3.0
"""Traffic so soon after an attack isn't learnt from: slow IDs still remember it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownVehicles:
    """Profiles with their threshold.

    Attributes:
        profiles: One for each vehicle with enough regular IDs; at least one.
        threshold: From benign windows that they weren't fitted on.
        evidence: Scores of those windows, and of the attack windows of the threshold side.
    """

    profiles: tuple[VehicleProfile, ...]
    threshold: Threshold
    evidence: CalibrationEvidence

    def score(self, frames: Frames, start: NDArray[np.int64], window: int) -> NDArray[np.float64]:
        """Scores of windows of one recording [B], float64, unbounded.

        Args:
            frames: The recording from its first frame on.
            start: First frame of each window [B].
            window: Frames per window.
        """
        return largest_in(frame_scores(self.profiles, frames), start, window)

    def of_store(
        self, store: GraphStore, windows: NDArray[np.int64], folder: Path
    ) -> NDArray[np.float64]:
        """Scores of `windows` [B] of a store, whose frames lie in `folder`."""
        frames = {
            number: verified_frames(folder, store.recordings[number])
            for number in np.unique(store.recording[windows]).tolist()
        }
        return store_scores(self.profiles, store, windows, frames)

    def to_plain(self) -> dict[str, Any]:
        """Arrays and plain values."""
        return {
            "threshold": asdict(self.threshold),
            "evidence": self.evidence.to_plain(),
            "profiles": {profile.vehicle: profile.to_arrays() for profile in self.profiles},
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_plain` gave, checked.

        Raises:
            ArtifactError: A profile is incomplete.
            KeyError: A part is missing.
            ValueError: Nothing could exceed the threshold.
        """
        profiles = tuple(
            VehicleProfile.from_arrays(vehicle, arrays)
            for vehicle, arrays in plain["profiles"].items()
        )
        return cls(
            profiles=profiles,
            threshold=Threshold.from_plain(plain["threshold"]),
            evidence=CalibrationEvidence.from_plain(plain["evidence"]),
        )


def known_vehicles(inputs: DatasetWindows, target_fpr: float) -> KnownVehicles | None:
    """Profiles of the vehicles in the training recordings; None if none has enough regular IDs.

    Args:
        inputs: Fitted on benign windows of its training side, calibrated on others.
        target_fpr: False-alarm rate for which the threshold is set.
    """
    frames = {
        number: verified_frames(inputs.folder, recording)
        for number, recording in enumerate(inputs.manifest.train)
        if (inputs.sides[inputs.store.recording == number] >= 0).any()
    }
    root, window = inputs.folder.parents[1], inputs.data.window
    split = open_split(root, inputs.manifest, name=inputs.data.split, window=window)
    sources: dict[str, list[ProfileSource]] = {}
    for number, recorded in frames.items():
        recording = inputs.manifest.train[number]
        usual = _usual(split, recording, recorded, window)
        sources.setdefault(recording.vehicle, []).append(
            ProfileSource(frames=recorded, usual=usual)
        )
    fitted = (fit_profile(vehicle, of_vehicle) for vehicle, of_vehicle in sources.items())
    profiles = tuple(profile for profile in fitted if profile is not None)
    if not profiles:
        return None
    benign = inputs.windows(*CALIBRATION_SIDES, benign=True)
    attacks = inputs.windows("threshold")
    attacks = attacks[inputs.store.label[attacks] == 1]
    scores = store_scores(profiles, inputs.store, benign, frames)
    evidence = CalibrationEvidence(
        benign=Margins.of(scores),
        attack=Margins.of(store_scores(profiles, inputs.store, attacks, frames)),
    )
    return KnownVehicles(
        profiles=profiles, threshold=profile_threshold(scores, target_fpr), evidence=evidence
    )


def store_scores(
    profiles: tuple[VehicleProfile, ...],
    store: GraphStore,
    windows: NDArray[np.int64],
    frames: Mapping[int, Frames],
) -> NDArray[np.float64]:
    """Scores of `windows` [B] of a store.

    Args:
        profiles: Profiles of vehicles.
        store: Graphs of recordings.
        windows: Some of its windows, any order.
        frames: Frames by number of the recording; of those that the windows are of.
    """
    scores = np.empty(len(windows))
    of_window = store.recording[windows]
    for number in np.unique(of_window).tolist():
        here = of_window == number
        said = frame_scores(profiles, frames[number])
        scores[here] = largest_in(said, store.start[windows[here]], store.spec.window)
    return scores


def _usual(split: Split, recording: Recording, frames: Frames, window: int) -> NDArray[np.bool_]:
    """Frames of a recording that profiles may be fitted on [N].

    All of the training side, also where a run trains on some of its windows (`--windows-per-side`):
    counters and periods need frames in a row.
    """
    training = np.zeros(len(frames), np.bool_)
    for stretch in split.stretches:
        if stretch.recording == recording.digest and stretch.side == "train":
            training[stretch.start : stretch.stop] = True
    attacked = attack_stretches(frames.label, window)
    steady_s = SteadyClock().follow(frames.timestamp)
    last_s = np.maximum.accumulate(np.where(attacked, steady_s, -np.inf))
    usual: NDArray[np.bool_] = training & ~attacked & (steady_s - last_s >= _AFTER_ATTACK_S)
    return usual


def profile_threshold(benign: NDArray[np.float64], target_fpr: float) -> Threshold:
    """The conformal threshold of benign windows [n], but no less than `LEAST_THRESHOLD`."""
    found = conformal_threshold(benign, target_fpr)
    return replace(found, value=max(found.value, LEAST_THRESHOLD))
