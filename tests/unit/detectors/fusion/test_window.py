"""Every policy on single windows: what its module says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from can_train.config.schema import FusionConfig
from can_train.detectors.fusion.window import FusionWindowScorer
from can_train.vocab import FusionPolicy
from tests.unit.detectors.windows_for_tests import (
    EVIDENCE,
    known_in,
    odd_windows,
    on_windows,
    require_same,
    scorer_of,
)
from tests.unit.detectors_for_tests import untrained


@pytest.mark.parametrize("policy", ["dqn", "logistic", "maximum", "mean"])
def test_a_fusion_says_the_same(policy: FusionPolicy) -> None:
    vocabulary = known_in(odd_windows()[0])
    detectors = {
        model: untrained(on_windows(model), vocabulary=vocabulary, evidence=EVIDENCE)
        for model in ("vgae", "gat")
    }
    config = replace(on_windows("dqn"), fusion=FusionConfig(fusion_policy=policy))
    rng = np.random.default_rng(0)
    extras = {"state_mean": rng.normal(size=10), "state_scale": rng.uniform(0.1, 9.0, 10)}
    fusion = untrained(config, extras=extras, evidence=EVIDENCE)
    require_same({**detectors, "dqn": fusion})
    experts = {name: scorer_of(detector) for name, detector in detectors.items()}
    assert isinstance(scorer_of(fusion, experts), FusionWindowScorer)
