"""Loops of the agent's step against the operations of torch that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from can_train.detectors.kernels.rewards import pull_behind, pull_of_error


@pytest.mark.parametrize("windows", [1, 30, 64])
def test_the_pull_of_the_error_is_that_of_torch_bit_for_bit(windows: int) -> None:
    torch.manual_seed(windows)
    values, reward, weight = torch.randn(windows, 21), torch.rand(windows, 21), torch.rand(windows)
    difference = values - reward
    pull = (difference * weight[:, None]) * (2.0 / reward.numel())
    error = float((difference.double().square() * weight.double()[:, None]).mean())
    found = torch.empty_like(pull)
    said = pull_of_error(values.numpy(), reward.numpy(), weight.numpy(), found.numpy())
    assert said == pytest.approx(error, rel=1e-13)
    assert torch.equal(values, difference)
    assert torch.equal(found, pull)


@pytest.mark.parametrize("windows", [1, 16, 30, 64, 100])
@pytest.mark.parametrize("width", [3, 160, 576])
def test_silent_units_are_not_pulled_and_the_others_are_added_up(windows: int, width: int) -> None:
    torch.manual_seed(windows)
    pull, output = torch.randn(windows, width), torch.randn(windows, width).relu_()
    expected = torch.where(output > 0, pull, 0.0)
    sums = torch.full((width,), 7.0)
    pull_behind(pull.numpy(), output.numpy(), sums.numpy())
    assert torch.equal(pull, expected)
    torch.testing.assert_close(sums, expected.double().sum(0).float(), rtol=1e-5, atol=1e-5)
    if width % 16 == 0:  # whole vectors, in torch's order
        assert torch.equal(sums, expected.sum(0))


def test_what_is_no_number_is_not_lost() -> None:
    pull, sums = np.ones((2, 3), np.float32), np.empty(3, np.float32)
    output = np.array([[np.nan, 0.0, 1.0], [1.0, 0.0, 1.0]], np.float32)
    pull[1, 0] = np.nan
    pull_behind(pull, output, sums)
    assert np.isnan(pull[1, 0])
    np.testing.assert_array_equal(sums, np.array([np.nan, 0.0, 2.0], np.float32))
    values = np.array([[np.nan, 1.0]], np.float32)
    weight, found = np.ones(1, np.float32), np.empty((1, 2), np.float32)
    assert np.isnan(pull_of_error(values, np.zeros_like(values), weight, found))
    np.testing.assert_array_equal(found, np.array([[np.nan, 1.0]], np.float32))
