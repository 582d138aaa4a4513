"""Window by window in compiled loops: the same as the modules, on odd windows, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numba.core.runtime import rtsys
from numba.core.runtime._nrt_python import memsys_enable_stats

from can_train.config.schema import DataConfig, FusionConfig, RunConfig
from can_train.detectors.base import Detector, Scores
from can_train.detectors.evidence import CalibrationEvidence, Margins
from can_train.detectors.window_scorer import WindowScorer, builder_of
from can_train.frames.frame import Frames
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.live import LiveGraphs
from can_train.graphs.scaling import IdVocabulary
from tests.unit.detectors_for_tests import config_of, untrained
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
        scorers[name] = scorer_of(detector, scorers)
    for frames in odd_windows():
        live = LiveGraphs(spec)
        for graph in live.windows_of(frames):
            raw, seen = raw_graphs(live.packed(), np.arange(1)), dict[str, Scores]()
            for name, detector in detectors.items():
                seen[name] = detector.fused(seen) if detector.fuses else detector(raw)
                found = scorers[name]
                found.look(graph)
                expected = [*seen[name].state[0], seen[name].score[0], seen[name].surprise[0]]
                given = [*found.state, found.score, found.surprise]
                np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("gat", {}),
        ("gat", {"layers": 3, "heads": 3, "hidden_channels": 5, "pooling": "max"}),
        ("gat", {"layers": 1, "heads": 1, "fc_channels": (7,), "pooling": "mean"}),
        ("gat", {"neighbours": "mean"}),
        ("gat", {"edge_features": False}),
        ("vgae", {}),
        ("vgae", {"encoder_channels": (12, 9, 6), "heads": 3, "decoder_channels": (11, 50)}),
    ],
)
@pytest.mark.parametrize("features", ["relational", "classic"])
def test_a_detector_says_the_same(model: str, sizes: dict[str, Any], features: str) -> None:
    frames = odd_windows()[0]
    detector = untrained(
        on_windows(model, features, **sizes), vocabulary=known_in(frames), evidence=EVIDENCE
    )
    require_same({model: detector})


@pytest.mark.parametrize("model", ["gat", "vgae"])
def test_where_no_id_is_known_it_says_the_same(model: str) -> None:
    elsewhere = IdVocabulary(ids=np.array([0x1FFF_FFFF], np.uint32))
    require_same({model: untrained(on_windows(model), vocabulary=elsewhere)})


@pytest.mark.parametrize("policy", ["dqn", "logistic", "maximum", "mean"])
def test_a_fusion_says_the_same(policy: str) -> None:
    vocabulary = known_in(odd_windows()[0])
    detectors = {
        model: untrained(on_windows(model), vocabulary=vocabulary, evidence=EVIDENCE)
        for model in ("vgae", "gat")
    }
    config = replace(on_windows("dqn"), fusion=FusionConfig(fusion_policy=policy))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    extras = {"state_mean": rng.normal(size=10), "state_scale": rng.uniform(0.1, 9.0, 10)}
    detectors["dqn"] = untrained(config, extras=extras, evidence=EVIDENCE)
    require_same(detectors)


def test_a_window_allocates_nothing() -> None:
    detectors = {
        model: untrained(on_windows(model), vocabulary=known_in(odd_windows()[0]))
        for model in ("vgae", "gat")
    }
    scorers = {name: scorer_of(detector) for name, detector in detectors.items()}
    live, frames = LiveGraphs(WindowSpec.of(on_windows("gat").data)), random_frames(40 * WINDOW)
    memsys_enable_stats()
    allocated = []
    for graph in live.windows_of(frames):
        for scorer in scorers.values():
            scorer.look(graph)
        allocated.append(rtsys.get_allocation_stats().mi_alloc)
    assert allocated[0] == allocated[-1]
