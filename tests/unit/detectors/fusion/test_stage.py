"""What the fusion agent earns, and which windows it needs."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.detectors.fusion.detector import ALPHAS
from can_train.detectors.fusion.stage import SMALLEST_STATE_SCALE, fusion_rewards
from can_train.detectors.parents import load_parents
from can_train.detectors.scoring import score_windows
from tests.lab import Lab


def test_rewards_are_one_minus_the_squared_error_of_every_action() -> None:
    rewards = fusion_rewards(np.array([0.8]), np.array([0.2]), np.array([1], np.uint8)).numpy()
    assert rewards.shape == (1, 21)
    assert rewards[0, 0] == pytest.approx(1 - (1 / (1 + np.exp(-0.8)) - 1) ** 2)
    assert rewards[0, 20] == pytest.approx(1 - (1 / (1 + np.exp(-0.2)) - 1) ** 2)
    assert rewards[0, 10] == pytest.approx(1 - (1 / (1 + np.exp(-0.5)) - 1) ** 2)
    assert ALPHAS[[0, 1, 20]].tolist() == pytest.approx([0, 0.05, 1])


def test_states_are_standardised_by_the_windows_that_the_agent_is_fitted_on(lab: Lab) -> None:
    config = lab.fusion()
    stage = lab.stage(config)
    experts = load_parents(config, lab.experiments)
    scores = score_windows(
        [experts["vgae"], experts["gat"]], stage.inputs.store, stage.inputs.windows("fusion")
    )
    states = np.concatenate([scores["vgae"].state, scores["gat"].state], axis=1)
    assert np.array_equal(stage.extras["state_mean"], states.mean(axis=0))
    deviation = np.maximum(states.std(axis=0), SMALLEST_STATE_SCALE)
    assert np.array_equal(stage.extras["state_scale"], deviation)
    assert list(stage.experts) == ["vgae", "gat"]
    assert stage.agreement is None
