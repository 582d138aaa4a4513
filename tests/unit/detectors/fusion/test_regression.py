"""The agent's gradient by hand is autograd's."""

from __future__ import annotations

import pytest
import torch

from can_train.detectors.fusion import regression as module
from can_train.detectors.fusion.network import QNetwork
from can_train.detectors.fusion.regression import RewardRegression


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("windows", [1, 30])
def test_loss_and_gradients_are_those_of_autograd(layers: int, windows: int) -> None:
    torch.manual_seed(layers)
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=layers).double()
    regression = RewardRegression(agent)
    for number in (windows, windows, 2 * windows):  # in the room of the step before, and in more
        state, reward = torch.randn(number, 4).double(), torch.rand(number, 5).double()
        weight = torch.rand(number).double()
        loss = ((agent(state) - reward).square().mean(dim=1) * weight).mean()
        expected = torch.autograd.grad(loss, list(agent.parameters()))
        found = regression.learn(state, reward, weight)
        assert found == pytest.approx(float(loss.detach()), rel=1e-12)
        for parameter, gradient in zip(agent.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-15)


def test_weights_that_have_moved_are_used_where_they_are_now() -> None:
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=1)
    regression = RewardRegression(agent)
    lesson = torch.randn(6, 4), torch.rand(6, 5), torch.ones(6)
    before = regression.learn(*lesson)
    for parameter in agent.parameters():
        parameter.data = 2.0 * parameter.data  # as a move to another device does
    after = regression.learn(*lesson)
    assert torch.equal(regression.values(lesson[0]), agent(lesson[0]))
    assert after == pytest.approx(float((agent(lesson[0]) - lesson[1]).square().mean().detach()))
    assert before != after


def test_values_are_the_agents_own_however_many_windows() -> None:
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=2)
    regression = RewardRegression(agent)
    for windows in (3, 7, 7):
        state = torch.randn(windows, 4)
        assert torch.equal(regression.values(state), agent(state))


def test_joined_parameters_are_the_agents_own_memory() -> None:
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=2)
    lesson = torch.randn(6, 4), torch.rand(6, 5), torch.ones(6)
    alone = RewardRegression(agent)
    before, values = alone.learn(*lesson), agent(lesson[0])
    gradients = [p.grad.clone() for p in agent.parameters()]  # type: ignore[union-attr]
    regression = RewardRegression(agent)
    flat = regression.joined()
    assert torch.equal(agent(lesson[0]), values)
    assert regression.learn(*lesson) == before
    assert flat.grad is not None
    assert torch.equal(flat.grad, torch.cat([g.flatten() for g in gradients]))
    for parameter, gradient in zip(agent.parameters(), gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)  # type: ignore[arg-type]
    with torch.no_grad():
        flat.mul_(2.0)
    assert torch.equal(agent(lesson[0]), regression.values(lesson[0]))
    assert not torch.equal(agent(lesson[0]), values)
    agent.load_state_dict({k: v / 2.0 for k, v in agent.state_dict().items()})
    assert torch.equal(agent(lesson[0]), values)
    assert torch.equal(flat, torch.cat([p.flatten() for p in agent.parameters()]))


def test_gradients_are_set_again_where_somebody_forgot_them() -> None:
    agent = QNetwork(state_channels=4, actions=5, hidden_channels=8, hidden_layers=1)
    regression, flat = (made := RewardRegression(agent)), made.joined()
    lesson = torch.randn(6, 4), torch.rand(6, 5), torch.ones(6)
    for _ in range(2):
        for parameter in (flat, *agent.parameters()):
            parameter.grad = None
        regression.learn(*lesson)
        assert all(p.grad is not None and p.grad.any() for p in (flat, *agent.parameters()))


@pytest.mark.parametrize("hidden_channels", [160, 576])
def test_compiled_loops_give_the_gradients_of_torchs_operations(
    hidden_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are none, on other devices, torch's are used."""
    torch.manual_seed(0)
    agent = QNetwork(
        state_channels=12, actions=21, hidden_channels=hidden_channels, hidden_layers=2
    )
    lesson = torch.randn(64, 12), torch.rand(64, 21), torch.rand(64)
    error = RewardRegression(agent).learn(*lesson)
    gradients = [parameter.grad for parameter in agent.parameters()]
    monkeypatch.setattr(module, "_array", lambda tensor: None)
    assert RewardRegression(agent).learn(*lesson) == pytest.approx(error, rel=1e-6)
    for parameter, gradient in zip(agent.parameters(), gradients, strict=True):
        assert gradient is not None and parameter.grad is not gradient
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-5, atol=1e-8)
