"""What a stage will roughly take: windows times epochs times the detector's measured cost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from can_train.config.schema import AUGMENTED_EPOCH
from can_train.config.spec import spec_of
from can_train.dataset.manifest import DatasetManifest
from can_train.pipeline.estimates import BASE_BYTES, START_S, TRAIN_SHARE, cost_of
from can_train.pipeline.plan import Plan

MakePlan = Callable[..., Plan]


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_the_cost_is_that_of_the_spec(
    plan_of: MakePlan, dataset: DatasetManifest, model: str
) -> None:
    train = tuple(replace(recording, frames=100_050) for recording in dataset.recordings)
    manifest = replace(dataset, recordings=train)
    words = {"model": model, "epochs": "10", "threads": "1", "model_size": "student"}
    config = plan_of(**words).stages[0].config
    found = cost_of(config, manifest)
    windows = 2 * 1000  # of the two training recordings; half windows at their ends don't count
    window_s = spec_of(model).cost_s["student"]
    assert found.seconds == pytest.approx(START_S + 10 * TRAIN_SHARE * windows * window_s, abs=0.1)
    assert found.memory_bytes > BASE_BYTES
    some = plan_of(**words, windows_per_side="60").stages[0].config
    assert cost_of(some, manifest).seconds == pytest.approx(START_S + 600 * window_s, abs=0.1)
    assert found.text.startswith("about 1 min on CPUs")


def test_synthetic_recordings_count(plan_of: MakePlan, dataset: DatasetManifest) -> None:
    train = tuple(replace(recording, frames=100_050) for recording in dataset.recordings)
    manifest = replace(dataset, recordings=train)
    plain, more = (
        cost_of(plan_of(model="gat", augment=number).stages[0].config, manifest)
        for number in ("0", "36")
    )
    assert more.memory_bytes > plain.memory_bytes
    longer = (more.seconds - START_S) / (plain.seconds - START_S)
    assert 1.0 < longer <= AUGMENTED_EPOCH + 0.01
