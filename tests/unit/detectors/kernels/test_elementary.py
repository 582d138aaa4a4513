"""Exponential and logarithm against numpy's in float64."""

from __future__ import annotations

import numpy as np

from can_train.detectors.kernels.elementary import (
    exponential,
    exponential_less_1,
    log1p_of_unit,
)


def test_the_exponential_is_exact_to_a_few_units_in_the_last_place() -> None:
    x = np.concatenate([-np.geomspace(1e-8, 86.0, 400), [0.0]]).astype(np.float32)
    found = np.array([exponential(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=3e-7)


def test_it_is_as_exact_above_zero() -> None:
    x = np.geomspace(1e-8, 86.0, 400).astype(np.float32)
    found = np.array([exponential(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=3e-7)


def test_the_exponential_less_1_keeps_the_digits_of_small_arguments() -> None:
    x = np.concatenate([-np.geomspace(1e-30, 1e30, 400), [0.0]]).astype(np.float32)
    found = np.array([exponential_less_1(value) for value in x])
    np.testing.assert_allclose(found, np.expm1(x.astype(np.float64)), rtol=3e-7)


def test_not_a_number_stays_so() -> None:
    assert np.isnan([f(np.float32(np.nan)) for f in (exponential, exponential_less_1)]).all()


def test_far_below_it_is_hardly_more_than_nothing() -> None:
    assert 0.0 <= exponential(np.float32(-1e30)) < 1e-37


def test_the_logarithm_is_exact_to_a_few_units_in_the_last_place() -> None:
    y = np.concatenate([[0.0], np.geomspace(1e-12, 1.0, 400)]).astype(np.float32)
    found = np.array([log1p_of_unit(value) for value in y])
    np.testing.assert_allclose(found, np.log1p(y.astype(np.float64)), rtol=3e-7)
