"""What a fusion is fitted on, what the agent earns, and when the result is silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.schema import FusionConfig, TrainingConfig
from can_train.dataset.windows import FUSION
from can_train.detectors.artifact import load_detector
from can_train.detectors.fusion.fitting import LinearFit
from can_train.detectors.fusion.policies import AgentFusion, LinearFusion, fusion_network
from can_train.detectors.fusion.rhythm import rhythm_in
from can_train.detectors.fusion.spec import DqnConfig
from can_train.detectors.fusion.stage import (
    SMALLEST_STATE_SCALE,
    SMALLEST_WEIGHT,
    AgentStage,
    LinearStage,
    lessons,
)
from can_train.detectors.fusion.windows import FusionWindows
from can_train.detectors.kernels.window_fusion import ALPHAS, STATE_LIMIT, SUPPORT, SUPPORT_RISE
from can_train.detectors.parents import load_parents
from can_train.detectors.scoring import score_windows
from can_train.graphs.feed import raw_graphs
from can_train.vocab import FusionPolicy
from tests.lab import Lab

POLICIES: tuple[FusionPolicy, ...] = ("logistic", "maximum", "mean", "dqn")


def by(lab: Lab, policy: FusionPolicy):
    return replace(lab.fusion(), fusion=FusionConfig(fusion_policy=policy))


def some_windows(number: int) -> FusionWindows:
    generator = np.random.default_rng(0)
    return FusionWindows(
        state=torch.from_numpy(generator.normal(size=(number, 4)) * 9),
        excess=torch.from_numpy(generator.exponential(size=(number, 3))),
        label=torch.from_numpy(np.arange(number) % 2.0),
        weights=torch.from_numpy(generator.uniform(0.5, 1.5, number)),
    )


def test_rewards_are_one_minus_the_squared_error_of_every_action() -> None:
    windows = some_windows(3)
    squash = LinearFit(weight=np.array([0.7]), bias=-0.4)
    learned = lessons(windows, squash, torch.from_numpy(ALPHAS))
    assert learned.reward.shape == (3, 21)
    assert float(learned.state.abs().max()) == STATE_LIMIT
    excess, label = windows.excess.numpy(), windows.label.numpy()
    for action, alpha in ((0, 0.0), (10, 0.5), (20, 1.0)):
        fused = (1 - alpha) * excess[:, 0] + alpha * excess[:, 1]
        p = 1 / (1 + np.exp(-(0.7 * fused - 0.4)))
        np.testing.assert_allclose(learned.reward[:, action], 1 - (p - label) ** 2, rtol=1e-5)


def test_an_epochs_batches_are_its_windows_in_order() -> None:
    agent = fusion_network("dqn", DqnConfig(hidden_channels=8, hidden_layers=1), 4)
    assert isinstance(agent, AgentFusion)
    windows = some_windows(30)
    stage = AgentStage(agent, TrainingConfig(batch_size=8), 3, train=windows, validation=windows)
    for epoch in (0, 1):
        stage.begin_epoch(epoch)
        assert stage.steps == 4
        for step in range(stage.steps):
            expected = stage.batch_of(stage._chosen[8 * step :][:8])
            assert torch.equal(stage.training_batch(step).state, expected.state)
            stage.zero_grad()
            stage.training_step(expected).backward()
            gradients = [p.grad.clone() for p in agent.parameters() if p.grad is not None]
            task = stage.take_means()["task"]
            stage.learn(expected)
            assert stage.take_means()["task"] == pytest.approx(task, rel=1e-5)
            for parameter, gradient in zip(agent.parameters(), gradients, strict=True):
                torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-7)


def test_batches_that_are_halved_within_an_epoch_are_the_rest_of_its_windows() -> None:
    agent = fusion_network("dqn", DqnConfig(hidden_channels=8, hidden_layers=1), 4)
    assert isinstance(agent, AgentFusion)
    windows = some_windows(30)
    stage = AgentStage(agent, TrainingConfig(batch_size=8), 3, train=windows, validation=windows)
    stage.begin_epoch(1)
    taken = [stage.training_batch(step) for step in range(2)]
    assert stage.halve_batch(2)
    taken += [stage.training_batch(step) for step in range(2, stage.steps)]
    assert [len(batch) for batch in taken] == [8, 8, 4, 4, 4, 2]
    expected = stage.batch_of(stage.chosen)
    for name in ("state", "reward", "weights"):
        together = torch.cat([getattr(batch, name) for batch in taken])
        assert torch.equal(together, getattr(expected, name))


def test_states_are_standardised_by_the_windows_that_it_is_fitted_on(lab: Lab) -> None:
    config = lab.fusion()
    stage = lab.stage(config)
    experts = load_parents(config, lab.experiments)
    scores = score_windows(
        [experts["vgae"], experts["gat"]], stage.inputs.store, stage.inputs.windows(*FUSION)
    )
    states = np.concatenate([scores["vgae"].state, scores["gat"].state], axis=1)
    assert np.array_equal(stage.extras["state_mean"], states.mean(axis=0))
    deviation = np.maximum(states.std(axis=0), SMALLEST_STATE_SCALE)
    assert np.array_equal(stage.extras["state_scale"], deviation)
    assert list(stage.experts) == ["vgae", "gat"]
    assert stage.agreement is None


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_what_its_run_says_and_no_other(lab: Lab, policy: FusionPolicy) -> None:
    module = lab.stage(by(lab, policy)).module
    assert isinstance(module, AgentStage if policy == "dqn" else LinearStage)
    assert module.epochs == (2 if policy == "dqn" else 1)


@pytest.mark.parametrize("policy", ["logistic", "maximum", "mean"])
def test_the_one_epoch_of_a_linear_policy_changes_nothing(lab: Lab, policy: FusionPolicy) -> None:
    config = by(lab, policy)
    fitted = {k: v.clone() for k, v in lab.stage(config).module.model.state_dict().items()}
    trained = load_detector(Path(str(lab.parent_of(config).path)))
    for name, value in trained.network.state_dict().items():
        assert torch.equal(value, fitted[name])
        assert bool((value >= 0).all()) or name == "bias"


@pytest.mark.parametrize("policy", ["logistic", "maximum", "mean"])
def test_what_is_nowhere_more_suspicious_never_scores_higher(
    lab: Lab, policy: FusionPolicy
) -> None:
    config = by(lab, policy)
    detector = load_detector(Path(str(lab.parent_of(config).path)))
    experts = load_parents(config, lab.experiments)
    inputs = lab.inputs(config)
    said = {}
    with torch.no_grad():
        for name, expert in experts.items():
            said[name] = expert.scored(expert.feed(inputs.store).batch(np.arange(200)))
        graphs = raw_graphs(inputs.store, np.arange(200))
        before = detector.fused(said, graphs).score
        calmer = {
            name: replace(s, excess=s.excess - 0.5, state=s.state - 0.25)
            for name, s in said.items()
        }
        after = detector.fused(calmer, graphs).score
    assert bool((after <= before).all())
    assert float((before - after).min()) >= 0.0
    assert float((before - after).max()) > 0.0


def test_a_maximum_alarms_where_the_classifier_does_with_support_or_the_rhythm(lab: Lab) -> None:
    config = by(lab, "maximum")
    detector = load_detector(Path(str(lab.parent_of(config).path)))
    experts = load_parents(config, lab.experiments)
    store = lab.inputs(config).store
    windows = np.arange(len(store))
    said = score_windows([experts["vgae"], experts["gat"], detector], store, windows)
    gat = experts["gat"].threshold
    relieved = said["gat"].score > gat.value
    support = np.minimum(SUPPORT_RISE * np.maximum(said["vgae"].excess, 0.0), SUPPORT)
    supported = said["gat"].excess + support > 0
    early = rhythm_in(store, windows) > 0
    # A relief lets the others speak a little earlier, too: nowhere without it.
    assert gat.relief == 0.0
    assert np.array_equal(
        said["dqn"].score > detector.threshold.value, relieved | supported | early
    )
    assert detector.threshold.rule == "experts"
    assert load_detector(Path(str(lab.parent_of(by(lab, "mean")).path))).threshold.rule != "experts"


def test_excesses_that_tell_nothing_of_the_fit_still_alarm() -> None:
    """With a weight of 0 no window would alarm, whatever the rhythm says, and no level be lower."""
    windows = some_windows(40)
    excess = torch.where(windows.label[:, None] > 0, -1.0, 1.0).expand(-1, 3).clone()
    excess[:, 2] = -1.0
    windows = replace(windows, excess=excess)
    network = LinearFusion("maximum", 4)
    LinearStage(network, TrainingConfig(), 0, train=windows, validation=windows)
    assert network.weight.item() == pytest.approx(SMALLEST_WEIGHT)
    heard = torch.tensor([[-1.0, -1.0, 0.5]], dtype=torch.float64)
    with torch.no_grad():
        assert network(windows.state[:1], heard).item() > network.bias.item()
