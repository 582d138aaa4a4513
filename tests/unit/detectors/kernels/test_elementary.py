"""Exponential and logarithm against numpy's in float64."""

from __future__ import annotations

import numpy as np

from can_train.detectors.kernels.elementary import exponential, log1p_of_unit


def test_the_exponential_is_exact_to_a_few_units_in_the_last_place() -> None:
    x = np.concatenate([-np.geomspace(1e-8, 86.0, 400), [0.0]]).astype(np.float32)
    found = np.array([exponential(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=3e-7)


def test_far_below_it_is_hardly_more_than_nothing() -> None:
    assert 0.0 <= exponential(np.float32(-1e30)) < 1e-37


def test_the_logarithm_is_exact_to_a_few_units_in_the_last_place() -> None:
    y = np.concatenate([[0.0], np.geomspace(1e-12, 1.0, 400)]).astype(np.float32)
    found = np.array([log1p_of_unit(value) for value in y])
    np.testing.assert_allclose(found, np.log1p(y.astype(np.float64)), rtol=3e-7)
