import math

import numpy as np
import pytest
import torch

from can_train.distil.agreement import evenly, linear_cka, mean_cosine

pytestmark = pytest.mark.kd


def draw(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def test_a_representation_agrees_with_itself() -> None:
    x = draw(50, 6)
    assert linear_cka(x, x) == pytest.approx(1.0, abs=1e-12)
    assert mean_cosine(x, x) == pytest.approx(1.0, abs=1e-12)


def test_cka_ignores_rotation_shift_and_scale_but_not_a_stretch() -> None:
    x, y = draw(50, 6), draw(50, 4, seed=1)
    rotation, _ = torch.linalg.qr(draw(6, 6, seed=2))
    moved = 3.0 * x @ rotation + 7.0
    assert linear_cka(x, moved) == pytest.approx(1.0, abs=1e-12)
    assert linear_cka(moved, y) == pytest.approx(linear_cka(x, y), rel=1e-10)
    stretched = x * torch.tensor([9.0, 1, 1, 1, 1, 1])
    assert linear_cka(x, stretched) < 0.8


def test_cka_of_three_nodes_computed_by_hand() -> None:
    # Centred: x = (-1, 0, 1), y has columns (-1, 0, 1) and (1, -2, 1).
    # |Y'X|^2 = 2^2 + 0 = 4; |X'X| = 2; Y'Y = diag(2, 6), so its norm is sqrt(40).
    x = torch.tensor([[0.0], [1.0], [2.0]])
    y = torch.tensor([[0.0, 3.0], [1.0, 0.0], [2.0, 3.0]])
    assert linear_cka(x, y) == pytest.approx(4.0 / (2.0 * math.sqrt(40.0)), rel=1e-12)
    assert linear_cka(y, x) == pytest.approx(linear_cka(x, y), rel=1e-12)


def test_cka_is_symmetric_bounded_and_low_for_independent_noise() -> None:
    x, y = draw(5000, 8), draw(5000, 8, seed=1)
    assert 0.0 <= linear_cka(x, y) < 0.01


def test_cka_of_a_constant_is_undefined() -> None:
    assert math.isnan(linear_cka(torch.ones(5, 2), draw(5, 2)))


def test_mean_cosine_computed_by_hand() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    assert mean_cosine(x, y) == pytest.approx((1.0 + math.sqrt(0.5)) / 2)


def test_thinning_is_even_and_keeps_both_ends() -> None:
    windows = np.arange(100, 200)
    assert evenly(windows, 4).tolist() == [100, 133, 166, 199]
    assert evenly(windows, 100) is windows
