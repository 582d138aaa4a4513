"""A fusion of untrained detectors whose thresholds some windows exceed, and traffic for it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from can_train.config.schema import DataConfig, FusionConfig
from can_train.detectors.base import Detector
from can_train.detectors.calibration import conformal_threshold
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.frame_scorer import FrameScorer, ModuleFrameScorer
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.frames.frame import Frames
from can_train.graphs.scaling import IdVocabulary
from can_train.vehicle.windows import frame_scores, largest_in
from tests.unit.detectors_for_tests import config_of, untrained
from tests.unit.vehicle.cars_for_tests import attacked, drive, profile

CAR = "bravo"
WINDOW = 50
LINEAR = FusionConfig(fusion_policy="mean")


@cache
def traffic() -> Frames:
    """An attacked drive on a clock that is set, with IDs beyond what tables begin with."""
    frames = attacked(CAR, "fuzz-known").frames
    stamps, ids = frames.timestamp.copy(), frames.arbitration_id.copy()
    stamps[len(stamps) // 3 :] += 100.0
    stamps[2 * len(stamps) // 3 :] -= 500.0
    late = np.arange(len(ids) - 600, len(ids), 2)
    ids[late] = 0x80001000 + late
    return replace(frames, timestamp=stamps, arbitration_id=ids)


def fused(fusion: FusionConfig = LINEAR) -> FrameScorer:
    """On windows of 50 frames, with profiles of two cars."""
    data = DataConfig(dataset_digest="d", split_digest="s", window=WINDOW, stride=WINDOW)
    benign = drive(CAR, seed=7)
    vocabulary = IdVocabulary(ids=np.unique(benign.arbitration_id))
    configs = {
        "vgae": config_of("vgae", data=data),
        "gat": config_of("gat", data=data),
        "dqn": config_of("dqn", data=data, fusion=fusion),
    }
    detectors = {name: untrained(config, vocabulary=vocabulary) for name, config in configs.items()}
    own = detectors.pop("dqn")
    own.vehicles = _vehicles(benign)
    for each in (*detectors.values(), own):
        _calibrate(each, ModuleFrameScorer(own, detectors), benign)
    return ModuleFrameScorer(own, detectors)


def _vehicles(benign: Frames) -> KnownVehicles:
    profiles = (profile("alpha"), profile(CAR))
    starts = np.arange(0, len(benign) - WINDOW, WINDOW)
    score = largest_in(frame_scores(profiles, benign), starts, WINDOW)
    return KnownVehicles(
        profiles=profiles,
        threshold=conformal_threshold(score, 0.05),
        evidence=CalibrationEvidence(benign=Margins.of(score)),
    )


def _calibrate(detector: Detector, scorer: FrameScorer, benign: Frames) -> None:
    """Settles a detector; those that it builds on come first.

    On few margins: between close ones a p-value, and so a fusion, changes fast, whatever scores.
    """
    score = scorer.score(benign).levelled[detector.spec.row]
    few = np.quantile(score, np.linspace(0.0, 1.0, 8))
    evidence = CalibrationEvidence(
        benign=Margins.of(few), synthetic=Margins.of(few[::2] + score.std())
    )
    level = float(np.quantile(score, 0.74))  # drives calm, alarms and notices in each
    detector.settle(replace(conformal_threshold(score, 0.05), level=level), evidence)
