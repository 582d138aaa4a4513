"""Matrices in eight bits."""

from __future__ import annotations

import numpy as np

from can_train.deploy.c99.rounding import rounded


def test_multiples_of_a_unit_stay_what_they_are() -> None:
    units = np.array([0.5, 0.001])
    exact = np.array([[127, -127], [3, 0], [-64, 90]]) * units
    found = rounded(exact)
    np.testing.assert_allclose(found.units, units, rtol=1e-6)
    np.testing.assert_allclose(found.weights * found.units, exact, rtol=1e-6)


def test_rounding_again_changes_nothing() -> None:
    exact = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32)
    once = rounded(exact)
    again = rounded((once.weights * once.units).astype(np.float32))
    assert (again.weights == once.weights).all()


def test_no_other_unit_of_the_largest_weight_is_better() -> None:
    exact = np.random.default_rng(2).laplace(size=(200, 1))
    found = rounded(exact)
    plain = np.abs(exact).max() / 127
    error = np.square(exact - found.weights * found.units).sum()
    assert error <= np.square(exact - plain * np.round(exact / plain)).sum()
    assert abs(found.weights).max() == 127


def test_an_output_without_weights_is_zero() -> None:
    found = rounded(np.zeros((3, 2)))
    assert not (found.weights * found.units).any()
