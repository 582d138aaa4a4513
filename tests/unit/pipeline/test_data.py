"""The windows of a prepared dataset, as a plan and as `teachers find` see them."""

from collections.abc import Callable

import pytest

from can_train.config.schema import UNIVERSE_VERSION
from can_train.dataset.manifest import DatasetManifest
from can_train.errors import ConfigError, PreflightError
from can_train.pipeline.data import windows_of
from can_train.pipeline.plan import Plan
from can_train.runs.layout import Roots


def test_both_see_the_same_windows(plan_of: Callable[..., Plan], roots: Roots) -> None:
    plan = plan_of(model="gat", window="50", split="leave-vehicle-out:kia")
    given = {"window": 50, "split": "leave-vehicle-out:kia"}
    assert windows_of(roots, "automotive", "car", given) == plan.stages[0].config.data
    assert windows_of(roots, "automotive", "car", {}).split == "time"


def test_what_does_not_exist_is_refused(roots: Roots, dataset: DatasetManifest) -> None:
    with pytest.raises(ConfigError, match=r"data.window: 1. Allowed: "):
        windows_of(roots, "automotive", "car", {"window": 1})
    with pytest.raises(PreflightError, match="has no attack kind x"):
        windows_of(roots, "automotive", "car", {"split": "leave-attack-out:x"})
    with pytest.raises(PreflightError, match="dataset bus isn't prepared"):
        windows_of(roots, "automotive", "bus", {})


def test_synthetic_recordings_are_part_of_the_identity_only_where_there_are_any(
    plan_of: Callable[..., Plan],
) -> None:
    plain, augmented = (
        plan_of(model="gat", augment=number).stages[0].config.data for number in ("0", "4")
    )
    assert (plain.universe, augmented.universe) == (0, UNIVERSE_VERSION)
