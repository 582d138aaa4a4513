"""The fused margin of every policy, by hand and through a module."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from can_train.config.schema import FusionConfig, Parent
from can_train.detectors.base import Detector, Scores
from can_train.detectors.fusion.detector import FusionDetector
from can_train.graphs.batch import RawGraphs
from can_train.graphs.features import RelationalNode
from can_train.vocab import FusionPolicy
from tests.unit.detectors_for_tests import EXTRAS, config_of, untrained

CHANNELS = {"vgae": 6, "gat": 4}


def said(excess: list[float], channels: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    values = torch.tensor(excess, dtype=torch.float64)
    state = torch.randn(len(excess), channels, generator=generator, dtype=torch.float64)
    return Scores(
        score=values - 2.0,
        excess=values,
        state=state,
        familiarity=torch.zeros_like(values),
        doubt=torch.zeros_like(values),
    )


def fusion(policy: FusionPolicy) -> Detector:
    return untrained(config_of("dqn", fusion=FusionConfig(fusion_policy=policy)))


def seen() -> dict[str, Scores]:
    return {"vgae": said([0.8, 3.0, 9.0], 6), "gat": said([2.0, 0.5, 40.0], 4, seed=1)}


def windows(earliness: tuple[float, ...] = (0.25, 0.875, 0.875)) -> RawGraphs:
    """Three of two nodes each, the second of which is so early."""
    node_x = torch.zeros(6, len(RelationalNode))
    node_x[1::2, RelationalNode.EARLINESS] = torch.tensor(earliness)
    return RawGraphs(
        node_x=node_x,
        node_id=torch.arange(6),
        edge_x=torch.zeros(0, 12),
        edge_index=torch.zeros(2, 0, dtype=torch.int64),
        batch=torch.tensor([0, 0, 1, 1, 2, 2]),
        num_graphs=3,
    )


def state_of(scores: dict[str, Scores]) -> torch.Tensor:
    return torch.cat([scores["vgae"].state, scores["gat"].state], dim=1)


def test_the_agent_weighs_both_excesses_with_its_greedy_weight() -> None:
    dqn = fusion("dqn")
    with torch.no_grad():
        fused = dqn.fused(seen(), windows())
        agent = dqn.network.agent
        z = ((state_of(seen()) - 0.0) / (1 / 3)).clamp(-5, 5).float()
        alpha = np.linspace(0, 1, 21)[agent(z).argmax(dim=1).numpy()]  # type: ignore[operator]
    expected = (1 - alpha) * [0.8, 3.0, 9.0] + alpha * [2.0, 0.5, 40.0]
    assert np.array_equal(fused.score.numpy(), expected)
    assert torch.equal(fused.state, state_of(seen()))


def test_the_linear_policies_are_linear_in_what_they_are_called_after() -> None:
    expected = {
        "maximum": [2.85, 2.5, 40.85],
        "mean": [1.4, 1.75, 24.5],
        "logistic": (state_of(seen()) * 3).sum(dim=1).tolist(),
    }
    for policy, features in expected.items():
        detector = fusion(policy)  # type: ignore[arg-type]
        network = detector.network
        with torch.no_grad():
            network.weight.mul_(2.0)  # type: ignore[operator]
            network.bias.fill_(-1.0)  # type: ignore[operator]
            score = detector.fused(seen(), windows()).score
        assert score.dtype == torch.float64
        assert score.tolist() == pytest.approx([2 * value - 1 for value in features]), policy


def test_only_the_maximum_doubts_windows_that_the_anomaly_detector_finds_usual() -> None:
    unlikely = {"vgae": said([-0.8, 0.0, 9.0], 6), "gat": said([2.0, 0.5, 40.0], 4, seed=1)}
    for policy in ("maximum", "mean", "logistic", "dqn"):
        detector = fusion(policy)
        with torch.no_grad():
            if policy != "dqn":
                detector.network.weight.mul_(3.0)  # type: ignore[operator]
            doubt = detector.fused(unlikely, windows()).doubt
        expected = [2.4, 0.0, 0.0] if policy == "maximum" else [0.0, 0.0, 0.0]
        assert doubt.tolist() == pytest.approx(expected), policy


def test_what_it_fuses_is_told_by_role_and_not_by_order() -> None:
    config = config_of("dqn")
    swapped = replace(config, experts={n: Parent(run_id=n) for n in ("gat", "vgae")})
    one, other = untrained(config), untrained(swapped)
    with torch.no_grad():
        assert torch.equal(one.fused(seen(), windows()).score, other.fused(seen(), windows()).score)


def test_a_fusion_fuses() -> None:
    dqn = untrained(config_of("dqn"))
    assert isinstance(dqn, FusionDetector)
    assert dqn.fuses
    assert not untrained(config_of("gat")).fuses
    assert len(EXTRAS["dqn"]["state_mean"]) == sum(CHANNELS.values())
