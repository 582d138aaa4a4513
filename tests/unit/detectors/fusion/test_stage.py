"""What the fusion agent sees and earns."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.detectors.fusion.stage import fusion_rewards
from can_train.detectors.fusion.views import ExpertViews
from can_train.detectors.scoring import (
    ALPHAS,
    GatScores,
    VgaeScores,
    combined_error,
    fusion_states,
    standardised_states,
    vgae_calibration,
)
from can_train.detectors.stage import automatic_batch_size, shuffled


def views(label: list[int]) -> ExpertViews:
    n = len(label)
    rng = np.random.default_rng(0)
    return ExpertViews(
        vgae=VgaeScores(
            errors=rng.random((n, 4)),
            error=rng.random(n),
            anomaly=np.linspace(0.1, 0.9, n),
            latent=rng.random((n, 4)),
        ),
        gat=GatScores(p_attack=np.linspace(0.0, 1.0, n), embedding=rng.random((n, 4))),
        label=np.array(label, np.uint8),
    )


def test_rewards_are_one_minus_the_squared_error_of_every_action():
    rewards = fusion_rewards(np.array([0.8]), np.array([0.2]), np.array([1], np.uint8)).numpy()
    assert rewards.shape == (1, 21)
    assert rewards[0, 0] == pytest.approx(1 - (0.8 - 1) ** 2)
    assert rewards[0, 20] == pytest.approx(1 - (0.2 - 1) ** 2)
    assert rewards[0, 10] == pytest.approx(1 - (0.5 - 1) ** 2)
    assert ALPHAS[[0, 1, 20]].tolist() == pytest.approx([0, 0.05, 1])


def test_the_state_has_fifteen_numbers_in_the_documented_order():
    seen = views([0, 1, 1])
    states = fusion_states(seen.vgae, seen.gat)
    assert states.shape == (3, 15)
    assert states[:, 0] == pytest.approx(np.log(seen.vgae.errors[:, 0] + 1e-6))
    assert states[:, 7] == pytest.approx(np.abs(2 * seen.anomaly - 1))
    assert states[:, 8] + states[:, 9] == pytest.approx(1.0)
    assert states[:, 14] == pytest.approx(np.abs(2 * seen.p_attack - 1))


def test_states_far_outside_are_clipped():
    z = standardised_states(np.full((1, 15), 1e9), np.zeros(15), np.ones(15))
    assert z.max() == 5.0


def test_errors_are_added_in_units_of_their_benign_mean():
    errors = np.array([[1.0, 2.0, 0.0, 4.0], [3.0, 2.0, 0.0, 0.0]])
    scale, cdf = vgae_calibration(errors)
    assert scale.tolist() == pytest.approx([2.0, 2.0, 1e-9, 2.0])
    assert combined_error(errors, scale).tolist() == pytest.approx([3.5, 2.5])
    assert cdf.errors.tolist() == pytest.approx([2.5, 3.5])


@pytest.mark.parametrize(
    ("windows", "size"), [(10_000, 64), (3_200, 64), (1_500, 30), (100, 8), (1, 8)]
)
def test_an_epoch_has_at_least_fifty_steps_where_it_can(windows, size):
    assert automatic_batch_size(windows) == size


def test_batch_order_is_a_function_of_seed_and_epoch():
    order = shuffled(np.arange(50), 3)
    assert order(4).tolist() == order(4).tolist()
    assert order(4).tolist() != order(5).tolist()
    assert sorted(order(4)) == list(range(50))
    assert shuffled(np.arange(50), 2)(4).tolist() != order(4).tolist()
