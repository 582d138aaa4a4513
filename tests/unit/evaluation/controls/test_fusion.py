"""Simple fusions that the agent has to beat."""

import numpy as np
import pytest

from can_train.evaluation.controls import (
    best_fixed_alpha,
    fit_logistic_regression,
    fit_small_mlp,
)
from can_train.evaluation.metrics import window_metrics


def test_best_alpha_agrees_with_trying_all_21():
    rng = np.random.default_rng(9)
    anomaly, p_attack = rng.random(500), rng.random(500)
    label = (0.3 * anomaly + 0.7 * p_attack > 0.5).astype(np.uint8)
    rewards = [
        np.mean(1 - ((1 - alpha) * anomaly + alpha * p_attack - label) ** 2)
        for alpha in np.linspace(0, 1, 21)
    ]
    best = best_fixed_alpha(anomaly, p_attack, label)
    assert best.alpha == pytest.approx(np.linspace(0, 1, 21)[np.argmax(rewards)])
    assert best.reward == pytest.approx(max(rewards))
    np.testing.assert_allclose(
        best.score(anomaly, p_attack), (1 - best.alpha) * anomaly + best.alpha * p_attack
    )


def test_best_alpha_trusts_the_expert_that_is_right():
    label = np.array([0, 1, 0, 1])
    wrong = 1.0 - label
    assert best_fixed_alpha(wrong, label, label).alpha == 1.0
    assert best_fixed_alpha(label, wrong, label).alpha == 0.0
    assert best_fixed_alpha(label, label, label).alpha == 0.0


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_learn_and_repeat(fit):
    rng = np.random.default_rng(10)
    label = (rng.random(400) < 0.4).astype(np.int64)
    state = rng.normal(size=(400, 15))
    state[:, 3] += 3 * label
    state[:, 7] = 5.0  # a constant column is no trouble
    score = fit(state, label, 0).score(state)
    roc_auc = window_metrics(label, score, 0.5, 1.0).roc_auc
    assert roc_auc is not None and roc_auc > 0.95
    np.testing.assert_array_equal(score, fit(state, label, 0).score(state))


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_need_both_classes(fit):
    assert fit(np.zeros((10, 15)), np.zeros(10), 0) is None
