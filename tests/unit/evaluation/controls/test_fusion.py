"""Simple fusions that the agent has to beat."""

import numpy as np
import pytest

from can_train.detectors.fusion.fitting import fit_linear
from can_train.evaluation.controls import (
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.metrics import window_metrics


def test_best_alpha_agrees_with_trying_all_21():
    rng = np.random.default_rng(9)
    surprise = rng.exponential(size=(500, 2))
    label = (0.3 * surprise[:, 0] + 0.7 * surprise[:, 1] > 1.2).astype(np.uint8)
    squash = fit_linear(surprise.mean(axis=1, keepdims=True), label, np.full(500, 1 / 500))
    rewards = []
    for alpha in np.linspace(0, 1, 21):
        fused = (1 - alpha) * surprise[:, 0] + alpha * surprise[:, 1]
        p = 1 / (1 + np.exp(-(fused * squash.weight[0] + squash.bias)))
        rewards.append(np.mean(1 - (p - label) ** 2))
    best = best_fixed_alpha(surprise, label)
    assert 0.5 < best.alpha < 1
    assert best.alpha == pytest.approx(np.linspace(0, 1, 21)[np.argmax(rewards)])
    assert best.reward == pytest.approx(max(rewards))
    np.testing.assert_allclose(best.score(surprise), surprise @ [1 - best.alpha, best.alpha])


def test_best_alpha_trusts_the_expert_that_is_right():
    label = np.array([0, 1, 0, 1])
    right, noise = 9.0 * label, np.array([3.0, 3.0, 0.0, 1.0])
    assert best_fixed_alpha(np.stack([noise, right], axis=1), label).alpha == 1.0
    assert best_fixed_alpha(np.stack([right, noise], axis=1), label).alpha == 0.0
    assert best_fixed_alpha(np.stack([right, right], axis=1), label).alpha == 0.0


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_learn_and_repeat(fit):
    rng = np.random.default_rng(10)
    label = (rng.random(400) < 0.4).astype(np.int64)
    state = rng.normal(size=(400, 15))
    state[:, 3] += 3 * label
    state[:, 7] = 5.0  # a constant column is no trouble
    score = fit(state, label, 0).score(state)
    roc_auc = window_metrics(label, score, 0.0, 1.0).roc_auc
    assert roc_auc is not None and roc_auc > 0.95
    np.testing.assert_array_equal(score, fit(state, label, 0).score(state))


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_need_both_classes(fit):
    assert fit(np.zeros((10, 15)), np.zeros(10), 0) is None
