"""Which batch is decided, and that the factor counts once."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from can_train.config.batch_factors import load_factors
from can_train.config.schema import (
    DataConfig,
    DistillationConfig,
    Parent,
    RunConfig,
    TrainingConfig,
)
from can_train.config.spec import spec_of
from can_train.errors import ArtifactError
from can_train.runs.layout import batch_path
from can_train.training.batch_decision import (
    BatchDecision,
    decide,
    read_decision,
    write_decision,
)
from can_train.training.safety_factor import SafetyFactor, hand_set, key_of

AUTOMATIC = TrainingConfig(batch_size=0)


@dataclass(frozen=True, kw_only=True)
class Fits:
    largest: int = 1000
    nodes_per_window: float = 31.5
    edges_per_window: float = 90.0
    bytes_per_window: float = 100_000.0
    free_bytes: int = 10**8
    total_bytes: int = 10**9
    limit: str = "physical memory"
    seconds: float = 0.5


def config(dataset: str = "hcrl_sa", *, taught: bool = False, **training) -> RunConfig:
    spec = spec_of("gat")
    return RunConfig(
        modality="automotive",
        dataset=dataset,
        model="gat",
        model_size="student",
        training_strategy="normal",
        data=DataConfig(dataset_digest="d", split_digest="s"),
        architecture=spec.presets["student"],
        training=replace(TrainingConfig(), **training),
        distillation=DistillationConfig(teacher=Parent(path="t", sha256="0")) if taught else None,
    )


def decision(asked: RunConfig, windows: int = 1_000_000, fits: Fits | None = None):
    measured = fits or Fits()
    factor = hand_set(key_of(asked, "cpu 16 GiB"), load_factors())
    return decide(
        asked, epoch_windows=windows, usual=64, device_class="cpu 16 GiB",
        measured=measured, factor=factor,
    )  # fmt: skip


def test_the_factor_counts_once_and_distillation_once() -> None:
    plain, taught = (decision(config(taught=taught, batch_size=0)) for taught in (False, True))
    assert (plain.windows, plain.source, plain.bound) == (550, "hand-set", "safety factor")
    assert (plain.nodes, plain.edges) == (int(550 * 31.5), 550 * 90)
    assert taught.windows == 412
    assert taught.factor == 0.4125 and f"{taught.factor:.2f}" == "0.41"
    assert (taught.factor_base, taught.factor_multiplier) == (0.55, 0.75)
    assert decision(config("mycar", batch_size=0)).source == "default"


def test_a_learned_factor_counts_as_it_is() -> None:
    factor = SafetyFactor(value=0.7, source="learned", base=0.55, multiplier=0.75, detail="9 runs")
    found = decide(
        config(taught=True, batch_size=0), epoch_windows=10**6, usual=64,
        device_class="cpu", measured=Fits(), factor=factor,
    )  # fmt: skip
    assert (found.windows, found.source) == (700, "learned")


@pytest.mark.parametrize(
    ("windows", "expected", "bound"),
    [
        (27_500, 550, "safety factor"),
        (27_499, 549, "50 steps per epoch"),
        (500, 10, "50 steps per epoch"),
        (60, 1, "50 steps per epoch"),
        (49, 1, "one window"),
    ],
)
def test_an_epoch_keeps_fifty_steps_and_says_so(windows: int, expected: int, bound: str) -> None:
    found = decision(config(batch_size=0), windows)
    assert (found.windows, found.bound) == (expected, bound)


def test_memory_for_less_than_a_window_is_one_window() -> None:
    found = decision(config(batch_size=0), fits=Fits(largest=1))
    assert (found.windows, found.bound) == (1, "one window")


@pytest.mark.parametrize(
    ("training", "source", "windows"),
    [
        ({}, "usual", 64),
        ({"batch_size": 300}, "explicit", 300),
        ({"batch_nodes": 9}, "explicit", 64),
    ],
)
def test_what_was_asked_for_stays_what_it_is(training, source: str, windows: int) -> None:
    asked = config(**training)
    found = decide(asked, epoch_windows=100, usual=64, device_class="cpu")
    assert (found.source, found.windows, found.bound) == (source, windows, "given")
    assert found.factor is None and not found.is_automatic and found.rate_scale == 1


def test_bounds_that_were_given_hold_for_an_automatic_batch_too() -> None:
    found = decision(config(batch_size=0, batch_nodes=100, batch_edges=10**9))
    assert (found.nodes, found.edges) == (100, 550 * 90)


def test_the_learning_rate_stays_unless_asked() -> None:
    assert decision(config(batch_size=0)).rate_scale == 1
    scaled = decision(config(batch_size=0, scale_lr=True))
    assert scaled.rate_scale == pytest.approx((550 / 64) ** 0.5)
    given = decide(
        config(batch_size=16, scale_lr=True), epoch_windows=9, usual=64, device_class="cpu"
    )
    assert given.rate_scale == 0.5


def test_a_decision_is_kept_as_it_is_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert read_decision(tmp_path) is None
    for found in (decision(config(batch_size=0)), decision(config(batch_size=0), 60)):
        write_decision(tmp_path, found)
        assert read_decision(tmp_path) == found
    path = batch_path(tmp_path)
    document = json.loads(path.read_text())
    assert set(document) == {item.name for item in dataclasses.fields(BatchDecision)}
    path.write_text(json.dumps({**document, "windows": "many"}))
    with pytest.raises(ArtifactError, match="windows: 'many'.*with --force"):
        read_decision(tmp_path)


def test_options_give_the_same_batches() -> None:
    assert decision(config(batch_size=0)).options == (
        "--batch-size 550 --batch-nodes 17325 --batch-edges 49500"
    )
