"""Training goes on where memory ran out: nothing lost, nothing seen twice, nothing for ever."""

from __future__ import annotations

import json
import math
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from can_train.config.schema import RunConfig
from can_train.detectors.batching import BatchBudget
from can_train.detectors.build import build_stage
from can_train.detectors.stage import StageModule
from can_train.errors import TrainingError
from can_train.graphs.batch import GraphBatch
from can_train.training.adaptive_batch_size import SafetyFactorDatabase
from can_train.training.out_of_memory import HalvedBatch, Halver, Halving, Unwatched
from tests.lab import Lab

HUGE = 2**42


@contextmanager
def little_memory(spare: int = 2**28) -> Iterator[None]:
    """The address space may grow by `spare` bytes."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Greedy:
    """Lets batches above a size allocate more than there is, in the middle of their work."""

    def __init__(self, module: StageModule[Any], most: int, part: str) -> None:
        self.trained: list[int] = []
        self.judged: list[int] = []
        self._work = getattr(module, part)
        self._most, self._part = most, part
        self._seen = self.trained if part == "training_step" else self.judged
        setattr(module, part, self)

    def __call__(self, batch: GraphBatch) -> Any:
        is_too_large = batch.num_graphs > self._most
        if is_too_large and self._part == "validation_step":
            torch.empty(HUGE)
        found = self._work(batch)  # the sums of the epoch hold it now
        if is_too_large:
            torch.empty(HUGE)
        self._seen += batch.window.tolist()
        return found


def greedy(monkeypatch: pytest.MonkeyPatch, most: int, part: str) -> list[Greedy]:
    """Every stage that is built from here on is one."""
    made: list[Greedy] = []

    def building(*arguments: Any) -> Any:
        stage = build_stage(*arguments)
        made.append(Greedy(stage.module, most, part))
        return stage

    monkeypatch.setattr("can_train.training.run.build_stage", building)
    return made


def summary(run: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return read


def records(lab: Lab, run: Path) -> list[str]:
    found = SafetyFactorDatabase(lab.experiments).records()
    return [record.kind for record in found if record.run == run.name]


def one_epoch(config: RunConfig) -> RunConfig:
    return replace(config, training=replace(config.training, epochs=1))


def test_a_step_is_repeated_with_half_the_batch_and_every_window_is_seen_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = one_epoch(lab.config("gat", seed=21))
    plain = lab.stage(config).module
    made = greedy(monkeypatch, 4, "training_step")
    run = lab.train(config)
    assert sorted(made[0].trained) == sorted(plain.chosen.tolist())
    assert made[0].trained == plain.chosen.tolist()  # at the same position of the same order
    found = summary(run)
    assert found["batch_halvings"] == 2 and found["batch_windows_at_end"] == 4
    assert found["batch_halved_at"] == "epoch 1, step 1; epoch 1, step 1"
    assert found["as_planned"] is False
    assert "batches of 4 windows from here on (halving 2 of 4" in caplog.text
    assert records(lab, run) == ["out of memory", "out of memory", "peak", "finished"]
    # The sums of the epoch know nothing of the steps that failed: the same run with 4 windows.
    monkeypatch.undo()
    training = replace(config.training, batch_size=4)
    small = lab.train(replace(config, training=training))
    ours, theirs = ((r / "logs" / "metrics.csv").read_text() for r in (run, small))
    assert ours == theirs
    assert summary(small)["as_planned"] is True


def test_validation_goes_on_behind_the_last_batch_that_fitted(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("gat", "vgae"):
        config = one_epoch(lab.config(model, seed=22))
        plain = summary(lab.train(config, "-plain"))
        with monkeypatch.context() as patch:
            made = greedy(patch, 16, "validation_step")
            run = lab.train(config)
        judged = made[0].judged
        assert len(judged) == len(set(judged)) > 16
        # A VGAE's figure is a mean over the nodes of each batch, so their size decides a little.
        assert summary(run)["validation_value"] == pytest.approx(
            plain["validation_value"], rel=1e-6 if model == "gat" else 5e-3
        )
        times = math.ceil(math.log2(len(judged) / 16))  # not what 256 windows would take
        assert summary(run)["batch_halved_at"] == "; ".join(["epoch 1, validation"] * times)
        assert summary(run)["as_planned"] is False


def test_what_never_fits_fails_after_four_halvings(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = one_epoch(lab.config("gat", seed=23))
    config = replace(config, training=replace(config.training, batch_size=48))
    greedy(monkeypatch, 0, "training_step")
    with pytest.raises(TrainingError) as caught:
        lab.train(config)
    assert caught.value.exit_code == 1
    assert "out of memory in a step of epoch 1 with a batch of 3 windows, after 4 halvings" in str(
        caught.value
    )
    assert records(lab, lab.run_of(config)) == ["out of memory"] * 5


def test_a_single_window_that_does_not_fit_fails_at_once(lab: Lab) -> None:
    config = lab.config("gat", seed=24)
    module = lab.stage(replace(config, training=replace(config.training, batch_size=1))).module
    told: list[HalvedBatch] = []

    class Watch(Unwatched):
        def halved(self, halved: HalvedBatch) -> None:
            told.append(halved)

    def work() -> None:
        raise MemoryError

    with pytest.raises(TrainingError, match="with a batch of 1 window, after 0 halvings"):
        Halver(module, Watch(), []).fits(work, 0, "step")
    assert len(told) == 1


def test_half_of_a_budget_that_no_batch_reaches_is_half_of_the_batch(lab: Lab) -> None:
    config = lab.config("gat", seed=26)
    training = replace(config.training, batch_size=10**6)
    module = lab.stage(replace(config, training=training)).module
    held = len(module.training_batch(0))
    assert module.steps == 1
    assert module.halve_batch(0)
    assert len(module.training_batch(0)) == held // 2
    module.use_budget(BatchBudget(windows=held - 1))
    assert len(module.training_batch(1)) == 1
    assert module.halve_batch(1)  # one window is tried once more
    assert not module.halve_batch(1)


def test_a_run_resumed_in_a_later_epoch_has_the_batches_that_its_halvings_left(lab: Lab) -> None:
    config = lab.config("gat", seed=27)
    training = replace(config.training, batch_size=45)
    module, again = (lab.stage(replace(config, training=training)).module for _ in range(2))
    halvings: list[Halving] = []
    for epoch in (1, 3):
        module.begin_epoch(epoch)
        halvings.append((epoch, module.steps - 1, "step"))
        assert len(module.training_batch(module.steps - 1)) < module.batch_size
        module.halve_batch(module.steps - 1)
    Halver(again, Unwatched(), halvings).again(4, finished=True)
    assert again.budget == module.budget and again.budget.windows < 10


def test_other_errors_of_a_step_stay_what_they_are(lab: Lab) -> None:
    module = lab.stage(lab.config("gat")).module

    def work() -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Halver(module, Unwatched(), []).fits(work, 0, "step")


def test_a_resumed_run_repeats_its_halvings_where_they_were(lab: Lab) -> None:
    plain = lab.config("gat", seed=25)
    config = replace(plain, training=replace(plain.training, batch_size=16))
    module, again = (lab.stage(config).module for _ in range(2))
    halvings = [(0, 2, "step"), (0, 4, "validation"), (1, 1, "step")]
    module.begin_epoch(0)
    module.halve_batch(2)
    module.halve_validation()
    module.begin_epoch(1)
    module.halve_batch(1)
    halver = Halver(again, Unwatched(), list(halvings))
    halver.again(1, finished=True)
    again.begin_epoch(1)
    halver.again(1, finished=False)
    assert again.budget == module.budget and again.validation_size == module.validation_size
    assert again.steps == module.steps
    for step in range(module.steps):
        assert torch.equal(again.training_batch(step).window, module.training_batch(step).window)
    assert len(module.training_batch(0)) == 8 and len(module.training_batch(1)) == 4
