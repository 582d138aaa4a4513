"""The rule by which runs change a safety factor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.config.batch_factors import load_factors
from can_train.training.safety_factor import (
    FactorKey,
    Observation,
    adjusted,
    adjustment,
    hand_set,
    learned,
)

KEY = FactorKey(
    dataset="hcrl_sa",
    model="gat",
    model_size="student",
    training_strategy="normal",
    distillation="no-kd",
    device_class="cpu 16 GiB",
)
OOM = Observation(outcome="out of memory")


def used(share: float) -> Observation:
    return Observation(outcome="finished", peak_share=share)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, 0.45), (0.40, 0.25), (0.4999, 0.20005), (0.50, 0.12), (0.60, 0.09), (0.70, 0.02),
        (0.80, 0.01), (0.85, 0.01), (0.90, 0.0), (0.94, -0.008), (0.95, -0.025), (1.0, -0.05),
        (1.2, -0.15),
    ],
)  # fmt: skip
def test_the_table_of_adjustments(share: float, expected: float) -> None:
    assert adjustment(share) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("start", "seen", "distils", "expected"),
    [
        (0.55, [used(0.40)], False, 0.625),
        (0.55, [used(0.60)], False, 0.577),
        (0.55, [used(0.80)], False, 0.553),
        (0.55, [used(1.0)], False, 0.535),
        (0.55, [OOM], False, 0.40),  # at once, not damped
        (0.55, [OOM, used(0.40)], False, 0.475),
        (0.55, [used(0.40), OOM], False, 0.475),
        (0.35, [OOM], False, 0.30),
        (0.4125, [OOM, OOM], True, 0.20),  # the floor with a teacher is lower
        (0.4125, [OOM, OOM], False, 0.30),
        (0.78, [used(0.1)], False, 0.80),
        (0.9, [OOM], False, 0.75),  # what was set by hand may lie outside
        (0.25, [OOM], False, 0.25),
        (0.25, [used(0.6)], False, 0.30),
        (0.55, [Observation(outcome="finished")], False, 0.55),
        (0.55, [], False, 0.55),
    ],
)
def test_sequences_of_runs(
    start: float, seen: list[Observation], distils: bool, expected: float
) -> None:
    assert learned(start, seen, distils=distils) == pytest.approx(expected, abs=1e-12)


OBSERVATIONS = st.just(OOM) | st.floats(0, 2).map(used)


@given(st.floats(0.3, 0.8), st.lists(OBSERVATIONS, max_size=60), st.booleans())
def test_it_never_leaves_its_bounds_and_a_shortage_never_raises_it(
    start: float, seen: list[Observation], distils: bool
) -> None:
    factor = start
    for observation in seen:
        after = adjusted(factor, observation, distils=distils)
        assert (0.2 if distils else 0.3) <= after <= 0.8
        if observation is OOM:
            assert after <= factor
        factor = after


@given(st.floats(0.001, 1), st.booleans())
def test_a_shortage_never_raises_what_was_set_by_hand_outside_the_bounds(
    start: float, distils: bool
) -> None:
    assert adjusted(start, OOM, distils=distils) <= start


@pytest.mark.parametrize(
    ("dataset", "plain", "taught", "source"),
    [
        ("hcrl_ch", 0.60, 0.45, "hand-set"),
        ("hcrl_sa", 0.55, 0.4125, "hand-set"),
        ("set_01", 0.55, 0.4125, "hand-set"),
        ("set_02", 0.35, 0.2625, "hand-set"),
        ("set_03", 0.35, 0.2625, "hand-set"),
        ("set_04", 0.35, 0.2625, "hand-set"),
        ("mycar", 0.50, 0.375, "default"),
    ],
)
def test_factors_set_by_hand_and_distillation_once(
    dataset: str, plain: float, taught: float, source: str, repo_root: Path
) -> None:
    factors = load_factors(repo_root / "config" / "batch_size_factors.json")
    key = replace(KEY, dataset=dataset)
    found = hand_set(key, factors)
    assert (found.value, found.multiplier, found.source) == (plain, 1.0, source)
    distilled = hand_set(replace(key, distillation="with-kd"), factors)
    assert distilled.value == taught
    assert (distilled.base, distilled.multiplier, distilled.source) == (plain, 0.75, source)


def test_coarser_keys_keep_dataset_device_and_distillation() -> None:
    keys = [key for _, key in KEY.coarser()]
    assert keys[0] == KEY
    other = replace(KEY, model="vgae", model_size="teacher", training_strategy="autoencoder")
    assert [key.covers(other) for key in keys] == [False, False, False, True]
    assert [key.covers(replace(KEY, training_strategy="curriculum")) for key in keys] == [
        False, True, True, True,
    ]  # fmt: skip
    for changed in ({"dataset": "set_01"}, {"device_class": "H100"}, {"distillation": "with-kd"}):
        assert not any(key.covers(replace(KEY, **changed)) for key in keys)
