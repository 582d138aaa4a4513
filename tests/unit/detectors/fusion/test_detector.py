"""The fused score: the agent's weight between an anomaly score and a probability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from can_train.config.schema import Parent
from can_train.detectors.base import Scores
from can_train.detectors.fusion.detector import (
    ALPHAS,
    FusionDetector,
    fused_by_weight,
    standardised,
)
from tests.unit.detectors_for_tests import config_of, untrained


def said(score: list[float], channels: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    values = torch.tensor(score, dtype=torch.float64)
    state = torch.randn(len(score), channels, generator=generator, dtype=torch.float64)
    return Scores(score=values, state=state)


def test_states_far_outside_are_clipped() -> None:
    far = torch.full((1, 14), 1e9, dtype=torch.float64)
    z = standardised(far, torch.zeros(14).double(), torch.ones(14).double())
    assert z.max() == 5.0
    assert z.dtype == torch.float32


def test_the_score_is_the_weighted_mean_with_the_greedy_weight() -> None:
    dqn = untrained(config_of("dqn"))
    anomaly, probability = said([0.8, 0.3, 0.6], 7), said([0.2, 0.9, 0.5], 7, seed=1)
    with torch.no_grad():
        fused = dqn.fused({"vgae": anomaly, "gat": probability})
        seen = standardised(
            torch.cat([anomaly.state, probability.state], dim=1),
            torch.zeros(14).double(),
            torch.full((14,), 1 / 3).double(),
        )
        action = dqn.network(seen).argmax(dim=1).numpy()
    alpha = ALPHAS[action]
    expected = (1 - alpha) * anomaly.score.numpy() + alpha * probability.score.numpy()
    assert np.array_equal(fused.score.numpy(), expected)
    assert torch.equal(fused.state, torch.cat([anomaly.state, probability.state], dim=1))


def test_what_it_fuses_is_told_by_role_and_not_by_order() -> None:
    config = config_of("dqn")
    swapped = replace(config, experts={n: Parent(run_id=n) for n in ("gat", "vgae")})
    one, other = untrained(config), untrained(swapped)
    scores = {"gat": said([0.1, 0.9], 7), "vgae": said([0.7, 0.2], 7, seed=1)}
    with torch.no_grad():
        assert torch.equal(one.fused(scores).score, other.fused(scores).score)


def test_every_weight_fuses_as_its_own_mixture() -> None:
    fused = fused_by_weight(np.array([0.8, 0.0]), np.array([0.2, 1.0]))
    assert fused.shape == (2, 21)
    assert fused[0, [0, 10, 20]].tolist() == pytest.approx([0.8, 0.5, 0.2])
    assert fused[1].tolist() == pytest.approx(np.linspace(0, 1, 21).tolist())


def test_a_fusion_fuses() -> None:
    dqn = untrained(config_of("dqn"))
    assert isinstance(dqn, FusionDetector)
    assert dqn.fuses
    assert not untrained(config_of("gat")).fuses
