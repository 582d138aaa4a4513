"""Automatic batches in whole runs, also where memory really ends."""

from __future__ import annotations

import ctypes
import json
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from can_train.config.batch_factors import load_factors
from can_train.config.frozen import load_frozen
from can_train.config.schema import RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.gat.spec import GatConfig
from can_train.runs.layout import batch_path
from can_train.training.adaptive_batch_size import SafetyFactorDatabase
from can_train.training.batch_decision import BatchDecision, read_decision
from can_train.training.batch_probe import measure
from can_train.training.batch_size import decided, settle_batch
from can_train.training.host_memory import LEFT_OVER, CpuMemory
from can_train.training.memory import MIB
from tests.lab import Lab
from tests.unit.training.test_out_of_memory import little_memory, summary

MMAP_THRESHOLD = -3
"""Of mallopt(3)."""


def with_batch(config: RunConfig, size: int | None, **training: Any) -> RunConfig:
    return replace(config, training=replace(config.training, batch_size=size, **training))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_detector(next((run / "models").glob("*.pth"))).network.state_dict()


def decision_of(run: Path) -> BatchDecision:
    found = read_decision(run)
    assert found is not None
    return found


def test_an_automatic_batch_is_decided_once_and_its_options_give_the_same_run(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    automatic = with_batch(lab.config("gat", seed=31), 0)
    with caplog.at_level(logging.INFO, "can_train"):
        run = lab.train(automatic)
    found = decision_of(run)
    # The lab's epochs have too few windows for fifty steps of more than one.
    assert (found.source, found.bound, found.windows) == ("default", "50 steps per epoch", 1)
    assert found.largest is not None and found.largest > 1000
    assert (found.factor, found.factor_multiplier) == (0.5, 1.0)
    assert found.device_class == CpuMemory().device_class
    assert "times 0.5 (default: " in caplog.text and found.options in caplog.text
    assert summary(run)["batch_options"] == found.options
    budget = {"batch_nodes": found.nodes, "batch_edges": found.edges}
    again = with_batch(automatic, found.windows, **budget)
    same = lab.train(again)
    assert same != run and decision_of(same).source == "explicit"
    ours, theirs = weights(run), weights(same)
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_a_run_that_goes_on_keeps_the_batch_that_was_decided(lab: Lab) -> None:
    config = with_batch(lab.config("gat", seed=32), 0)
    frozen = load_frozen(lab.frozen(config))
    module = lab.stage(config).module
    first = settle_batch(frozen, module, CpuMemory())
    path = batch_path(frozen.run_dir)
    document = json.loads(path.read_text()) | {"windows": 3, "nodes": 1000, "edges": None}
    path.write_text(json.dumps(document))
    again = lab.stage(config).module
    second = settle_batch(frozen, again, CpuMemory())
    assert first.windows == 1 and second.windows == again.batch_size == 3
    assert again.budget.edges is None


def test_the_learning_rate_follows_the_batch_only_where_asked(lab: Lab) -> None:
    plain, scaled = (
        with_batch(lab.config("gat", seed=33), 2, scale_lr=asked) for asked in (False, True)
    )
    rates = []
    for config in (plain, scaled):
        module = lab.stage(config).module
        settle_batch(load_frozen(lab.frozen(config, "-rate")), module, CpuMemory())
        rates.append(module.rate(0))
    assert module.usual_batch_size == 8
    assert rates[1] == pytest.approx(rates[0] * 0.5)


def test_a_fusion_that_is_solved_at_once_measures_nothing(lab: Lab) -> None:
    from can_train.config.schema import FusionConfig

    config = replace(with_batch(lab.fusion(), 0), fusion=FusionConfig(fusion_policy="logistic"))
    module = lab.stage(config).module
    found = decided(config, module, CpuMemory(), SafetyFactorDatabase(lab.experiments))
    assert (found.source, found.windows, found.largest) == ("usual", len(module.chosen), None)


def test_every_run_is_recorded_with_its_peak(lab: Lab) -> None:
    run = lab.train(lab.config("vgae", seed=34))
    (found,) = [
        seen for seen in SafetyFactorDatabase(lab.experiments).runs() if seen.last.run == run.name
    ]
    assert found.finished and not found.shortages and found.observations == ()
    assert found.peak_share is not None and 0 < found.peak_share < 1
    assert found.last.windows == 16 and not found.last.decides


@pytest.fixture
def mapped_blocks() -> Iterator[None]:
    """Freed blocks of some size go back at once, so that a limit means the same all the time."""
    libc = ctypes.CDLL(None)
    libc.mallopt(MMAP_THRESHOLD, 2**16)
    yield
    libc.mallopt(MMAP_THRESHOLD, 2**25)


def deep(lab: Lab, size: int) -> RunConfig:
    """A run of one epoch whose windows take more memory than its weights."""
    sizes = GatConfig(layers=16, heads=8, hidden_channels=8, id_embedding=2, fc_channels=(8, 4))
    data = lab.data(stride=10, windows_per_side=600)
    config = replace(lab.config("gat", seed=35), architecture=sizes, data=data)
    return with_batch(config, size, epochs=1)


@contextmanager
def job_memory(spare: int) -> Iterator[None]:
    """A job of Slurm in which a worker may grow by `spare` bytes."""
    total = CpuMemory().used() + spare + min(LEFT_OVER, spare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_MEM_PER_NODE", str(math.ceil(total / MIB)))
        yield


@pytest.mark.parametrize("limited", [little_memory, job_memory])
def test_training_under_a_real_limit_finishes_and_at_four_times_the_batch_recovers(
    lab: Lab, mapped_blocks: None, limited: Callable[[int], AbstractContextManager[None]]
) -> None:
    fits = 140
    measured = measure(lab.stage(deep(lab, fits)).module, CpuMemory())
    needed = measured.fixed_bytes + fits * measured.bytes_per_window
    assert needed > 2**24
    database = SafetyFactorDatabase(lab.experiments)
    runs, seed = [], 36 if limited is job_memory else 35
    for windows in (fits, 4 * fits):
        CpuMemory().settle()
        with limited(int(1.2 * needed) + 2**24):  # and what a run takes beside its batch
            runs.append(lab.train(replace(deep(lab, windows), seed=seed)))
    whole, halved = map(summary, runs)
    assert (whole["batch_halvings"], whole["as_planned"]) == (0, True)
    assert 1 <= halved["batch_halvings"] <= 4 and halved["as_planned"] is False
    assert halved["epoch_windows"] == whole["epoch_windows"]
    (short,) = [seen for seen in database.runs() if seen.last.run == runs[1].name]
    assert short.shortages >= 1 and short.finished
    after = database.factor(short.last.key, load_factors())
    assert after.source == "learned" and after.value < load_factors().default


@pytest.mark.parametrize("model", ["gat", "vgae", "fusion"])
def test_a_run_in_a_job_is_the_same_bit_for_bit(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    config = replace(lab.fusion() if model == "fusion" else lab.config(model), seed=37)
    alone = lab.train(config)
    monkeypatch.setenv("SLURM_MEM_PER_NODE", str(CpuMemory().used() // MIB + 1024))
    with caplog.at_level(logging.INFO, "can_train"):
        held = lab.train(config, "-held")
    assert "(Slurm) an allocation fails" in caplog.text
    ours, theirs = weights(alone), weights(held)
    assert held != alone
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
