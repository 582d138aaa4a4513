"""Weights that are never negative, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from can_train.detectors.fusion.fitting import RIDGE, balanced_weights, fit_linear


def test_each_class_of_each_group_weighs_the_same() -> None:
    label = np.array([0, 0, 0, 1, 0, 1, 1])
    group = np.array([0, 0, 0, 0, 1, 1, 1])
    found = balanced_weights(label, group)
    assert found.tolist() == pytest.approx([1 / 12] * 3 + [1 / 4, 1 / 4] + [1 / 8] * 2)
    assert balanced_weights(np.array([1, 1]), np.array([0, 0])).tolist() == [0.5, 0.5]


def test_where_no_weight_wants_to_be_negative_it_is_the_plain_regression() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(2000) < 0.3).astype(np.int64)
    features = rng.normal(size=(2000, 3)) + label[:, None] * [1.0, 0.5, 2.0]
    weights = balanced_weights(label, np.zeros(2000, np.int64))
    fit = fit_linear(features, label, weights)
    # scikit-learn: 1/2 |w|^2 + C * sum of losses; ours has 2 RIDGE in place of 1 / C.
    plain = LogisticRegression(C=1 / (2 * RIDGE), tol=1e-10, max_iter=1000)
    plain.fit(features, label, sample_weight=weights)
    np.testing.assert_allclose(fit.weight, plain.coef_[0], rtol=1e-3)
    assert fit.bias == pytest.approx(plain.intercept_[0], rel=1e-3)


def test_a_number_that_falls_with_suspicion_has_no_say() -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(500) < 0.5).astype(np.int64)
    features = rng.normal(size=(500, 2)) + label[:, None] * [1.0, -1.0]
    fit = fit_linear(features, label, balanced_weights(label, np.zeros(500, np.int64)))
    assert fit.weight[0] > 0.5
    assert fit.weight[1] == 0.0


def test_the_same_windows_give_the_same_fit() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random(100) < 0.5).astype(np.int64)
    features = rng.normal(size=(100, 5))
    one, other = (fit_linear(features, label, np.full(100, 0.01)) for _ in range(2))
    assert np.array_equal(one.weight, other.weight) and one.bias == other.bias
