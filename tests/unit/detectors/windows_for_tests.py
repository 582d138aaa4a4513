"""Odd windows, and whether window scorers say on them what the modules say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from can_train.config.schema import DataConfig, RunConfig
from can_train.detectors.base import Detector, Scores
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.window_scorer import WindowScorer, builder_of
from can_train.frames.frame import Frames
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs
from can_train.graphs.scaling import IdVocabulary
from tests.unit.detectors_for_tests import config_of
from tests.unit.frames_for_tests import make_frames, random_frames

WINDOW = 20
EVIDENCE = CalibrationEvidence(
    benign=Margins.of(np.linspace(-3.0, 3.0, 50)), synthetic=Margins.of(np.linspace(-2.0, 6.0, 40))
)


def on_windows(model: str, features: str = "relational", **sizes: Any) -> RunConfig:
    data = DataConfig(
        dataset_digest="d",
        split_digest="s",
        window=WINDOW,
        stride=WINDOW,
        features=features,  # type: ignore[arg-type]
    )
    config = config_of(model, data=data)
    return replace(config, architecture=replace(config.architecture, **sizes))


def odd_windows() -> list[Frames]:
    """Many IDs, one alone, each once only, and none that is known."""
    ids = {"one": np.full(WINDOW, 2), "once": np.arange(WINDOW), "unknown": np.arange(900, 910)}
    rest = [
        make_frames(1e-3 * np.arange(WINDOW), np.resize(found, WINDOW)) for found in ids.values()
    ]
    return [random_frames(30 * WINDOW), *rest]


def known_in(frames: Frames) -> IdVocabulary:
    return IdVocabulary(ids=np.unique(frames.arbitration_id)[::2])


def scorer_of(
    detector: Detector, experts: Mapping[str, WindowScorer] | None = None
) -> WindowScorer:
    build = builder_of(detector.spec)
    assert build is not None
    return build(detector.trained, experts or {})


@torch.no_grad()
def require_same(detectors: Mapping[str, Detector]) -> None:
    """Every detector in turn, on every window."""
    spec = WindowSpec.of(next(iter(detectors.values())).config.data)
    scorers: dict[str, WindowScorer] = {}
    for name, detector in detectors.items():
        detector.settle(replace(detector.threshold, relief=0.7), detector.evidence)
        scorers[name] = scorer_of(detector, scorers)
    for frames in odd_windows():
        live = LiveGraphs(spec)
        for graph in live.windows_of(frames):
            raw, seen = raw_graphs(live.packed(), np.arange(1)), dict[str, Scores]()
            for name, detector in detectors.items():
                seen[name] = detector.fused(seen, raw) if detector.fuses else detector(raw)
                found = scorers[name]
                found.look(graph)
                said = seen[name]
                numbers = said.score, said.excess, said.familiarity, said.doubt
                expected = [*said.state[0], *(number[0] for number in numbers)]
                given = [*found.state, found.score, found.excess, found.familiarity, found.doubt]
                np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)
