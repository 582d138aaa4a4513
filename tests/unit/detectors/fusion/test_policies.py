"""What each policy makes of states and excesses, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from can_train.detectors.fusion.policies import AgentFusion, LinearFusion, fusion_network
from can_train.detectors.fusion.spec import DqnConfig
from can_train.detectors.kernels.window_fusion import ALPHAS
from can_train.vocab import FusionPolicy

STATE = torch.tensor([[0.5, -1.0, 2.0], [3.0, 0.0, 1.0]], dtype=torch.float64)
SURPRISE = torch.tensor([[1.0, 5.0, 0.5], [4.0, 0.0, -1.0]], dtype=torch.float64)
SIZES = DqnConfig(hidden_channels=8, hidden_layers=1)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("maximum", [5.85, 0.85]), ("mean", [3.0, 2.0]), ("logistic", [1.5, 4.0])],
)
def test_log_odds_are_linear_in_what_the_policy_is_called_after(
    policy: FusionPolicy, expected: list[float]
) -> None:
    network = LinearFusion(policy, 3)
    with torch.no_grad():
        assert network(STATE, SURPRISE).tolist() == pytest.approx(expected)
        network.weight.mul_(2.0)
        network.bias.fill_(-1.0)
        assert network(STATE, SURPRISE).tolist() == pytest.approx([2 * e - 1 for e in expected])


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        ((-0.1, -0.5, -1.0), -0.5),
        ((0.1, -0.5, -1.0), -0.2),
        ((0.2, -0.5, -1.0), 0.1),
        ((9.0, -0.8, -1.0), 0.05),
        ((9.0, -0.9, -1.0), -0.05),
        ((-1.0, -2.0, 0.2), 0.2),
        ((-1.0, -2.0, -0.1), -2.0),
        ((-1.0, 0.9, 0.7), 0.9),
        ((9.0, -0.8, 0.7), 0.7),
    ],
)
def test_an_anomaly_supports_the_classifier_and_the_rhythm_has_a_say_of_its_own(
    excess: tuple[float, float, float], expected: float
) -> None:
    network = LinearFusion("maximum", 3)
    found = network.features(STATE[:1], torch.tensor([excess], dtype=torch.float64))
    assert found.item() == pytest.approx(expected)


def test_the_agent_weighs_with_the_alpha_of_the_largest_value() -> None:
    network = fusion_network("dqn", SIZES, 3)
    assert isinstance(network, AgentFusion)
    with torch.no_grad():
        values = network.values(STATE)
        fused = network(STATE, SURPRISE)
    assert values.shape == (2, 21)
    alpha = ALPHAS[values.argmax(dim=1).numpy()]
    expected = (1 - alpha) * SURPRISE[:, 0].numpy() + alpha * SURPRISE[:, 1].numpy()
    assert np.array_equal(fused.numpy(), expected)


def test_states_far_outside_are_clipped_for_the_agent() -> None:
    network = fusion_network("dqn", SIZES, 3)
    assert isinstance(network, AgentFusion)
    with torch.no_grad():
        assert torch.equal(network.values(STATE * 1e9), network.values(STATE.sign() * 5.0))


def test_only_the_agent_has_the_sizes_of_the_architecture() -> None:
    sizes = {
        policy: sum(p.numel() for p in fusion_network(policy, SIZES, 3).parameters())
        for policy in ("logistic", "maximum", "mean", "dqn")
    }
    assert sizes == {"logistic": 4, "maximum": 2, "mean": 2, "dqn": 3 * 8 + 8 + 8 * 21 + 21}
