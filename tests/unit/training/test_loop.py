"""What training leaves in `checkpoints/`, and that stopping in between changes nothing."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from can_train.config.schema import RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.counts import parameter_count
from can_train.detectors.fusion.stage import AgentStage
from can_train.detectors.gat.spec import GatConfig
from can_train.detectors.stage import Judgement
from can_train.errors import ArtifactError
from can_train.runs import stop
from can_train.runs.layout import BEST, LAST
from can_train.runs.state import read_status
from can_train.runs.stop import Stopped, request_stop
from can_train.training.loop import Progress, validate
from tests.damage import one_bit_flipped, truncated
from tests.lab import Lab

BYTES_PER_NUMBER = 4
NAMES_AND_FORMAT = 1.05
"""File over weights, for a network of 80,000 numbers."""

RUNS: dict[str, Callable[[Lab], RunConfig]] = {
    "vgae": lambda lab: lab.distilled("vgae"),
    "gat": lambda lab: lab.curriculum(
        lab.distilled("gat", {"feature_weight": 0.5, "kd_warmup_epochs": 1})
    ),
    "dqn": lambda lab: lab.fusion(),
}


def of_some_size(lab: Lab, *, distilled: bool) -> RunConfig:
    sizes = GatConfig(layers=2, heads=4, hidden_channels=48, id_embedding=2, fc_channels=(96, 48))
    kd = {"feature_weight": 0.5}
    config = lab.distilled("gat", kd) if distilled else lab.config("gat")
    training = replace(config.training, epochs=1)
    return replace(config, architecture=sizes, training=training)


def checkpoint(run: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(run / "checkpoints" / name, weights_only=True)
    return found


def weights_of(run: Path) -> dict[str, Tensor]:
    """Best weights, projection included, and those that were deployed."""
    best = checkpoint(run, BEST)
    deployed = load_detector(next((run / "models").glob("*.pth"))).network.state_dict()
    return {**best, **{f"deployed.{name}": value for name, value in deployed.items()}}


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "logs" / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def train_in_pieces(lab: Lab, config: RunConfig) -> tuple[Path, int]:
    """Trains with a standing wish to stop: every attempt does one step. Counts the attempts."""
    attempts = 0
    while attempts < 100:
        attempts += 1
        try:
            return lab.train(config, "-pieces"), attempts
        except Stopped:
            continue
    raise AssertionError("the run makes no progress")


@pytest.mark.parametrize("distilled", [False, True])
def test_every_weight_is_kept_once(lab: Lab, distilled: bool) -> None:
    config = of_some_size(lab, distilled=distilled)
    run = lab.train(config)
    best = checkpoint(run, BEST)
    stage = lab.stage(config).module
    assert parameter_count(stage) == sum(value.numel() for value in best.values()) > 50_000
    assert ("projection.weight" in best) == distilled
    drawn = {name: value for name, value in best.items() if value.unique().numel() > 1}
    for (one, first), (other, second) in combinations(drawn.items(), 2):
        assert not torch.equal(first, second), f"{one} is {other}"
    size = (run / "checkpoints" / BEST).stat().st_size
    assert size < NAMES_AND_FORMAT * BYTES_PER_NUMBER * parameter_count(stage)
    last = checkpoint(run, LAST)["module"]
    assert list(last) == list(best)


def test_the_best_weights_are_those_that_are_deployed(lab: Lab) -> None:
    run = lab.train(lab.config("gat"))
    deployed = load_detector(next((run / "models").glob("*.pth"))).network.state_dict()
    best = checkpoint(run, BEST)
    assert list(best) == [f"model.{name}" for name in deployed]
    assert all(torch.equal(value, best[f"model.{name}"]) for name, value in deployed.items())


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_a_checkpoint_of_an_older_version_says_what_to_do(lab: Lab, model: str) -> None:
    config = lab.config(model, seed=3)
    run = lab.train(config)
    path = run / "checkpoints" / LAST
    weights = checkpoint(run, LAST)["module"]
    # So it was written by Lightning, with one module under two names.
    twice = {name.replace("model.", f"{model}.", 1): value for name, value in weights.items()}
    older = {
        "epoch": 1,
        "global_step": 8,
        "state_dict": {**weights, **twice},
        "position": {"steps_done": 0, "sums": {}, "weight": 0.0},
    }
    torch.save(older, path)
    before = path.read_bytes()
    with pytest.raises(ArtifactError) as caught:
        lab.train(config)
    assert str(caught.value) == (
        f"{path}: not a checkpoint of this version of can-train. Restore it, or make the run again "
        "beside this one: the training command with --force"
    )
    assert path.read_bytes() == before
    for file in path.parent.iterdir():
        file.unlink()
    assert lab.train(config) == run
    assert "module" in checkpoint(run, LAST)


@pytest.mark.parametrize(
    ("name", "damage"), [(LAST, truncated), (LAST, one_bit_flipped), (BEST, one_bit_flipped)]
)
def test_a_damaged_checkpoint_is_named(
    lab: Lab, name: str, damage: Callable[[bytes], bytes]
) -> None:
    path = lab.train(lab.config("gat", seed=4)) / "checkpoints" / name
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with pytest.raises(ArtifactError, match=rf"{path}: (damaged checkpoint|not the file that)"):
        lab.train(lab.config("gat", seed=4))
    path.write_bytes(whole)


def test_a_checkpoint_of_another_run_or_model_is_named(lab: Lab) -> None:
    config = lab.config("gat", seed=8)
    last, best = (lab.train(config) / "checkpoints" / name for name in (LAST, BEST))
    other = lab.train(lab.config("gat", seed=9)) / "checkpoints"
    vgae = checkpoint(lab.train(lab.config("vgae", seed=8)), LAST)
    assert refused(lab, config, other / LAST, last) == (
        f"{last}: checkpoint of run {other.parent.name}"
    )
    assert (
        refused(lab, config, best, last) == f"{last}: not a checkpoint of this version of can-train"
    )
    assert refused(lab, config, other / BEST, best) == f"{best}: not the file that this run wrote"
    torch.save({**vgae, "run": last.parents[1].name}, lab.home / LAST)
    assert refused(lab, config, lab.home / LAST, last).startswith(f"{last}: doesn't fit this run (")


def refused(lab: Lab, config: RunConfig, source: Path, place: Path) -> str:
    """What is said where `source` lies in `place`, which is put back afterwards."""
    before = place.read_bytes()
    shutil.copy(source, place)
    with pytest.raises(ArtifactError) as caught:
        lab.train(config)
    place.write_bytes(before)
    return str(caught.value).partition(". Restore it")[0]


def test_a_finished_run_trains_no_further(lab: Lab) -> None:
    config = lab.config("gat", seed=6)
    run = lab.train(config)
    before = (run / "checkpoints" / LAST).read_bytes()
    rows = rows_of(run)
    assert lab.train(config) == run
    assert (run / "checkpoints" / LAST).read_bytes() == before
    assert rows_of(run) == rows


def test_the_best_epoch_is_the_first_of_equals_and_never_one_that_diverged() -> None:
    progress = Progress()
    found = []
    for epoch, key in enumerate([float("nan"), 0.5, 0.5, float("inf"), 0.7, 0.6]):
        progress.epoch = epoch
        found.append(progress.judged(Judgement(metrics={"m": key}, key=(key,))))
    assert found == [False, True, False, False, True, False]
    assert (progress.best_epoch, progress.best_key, progress.waited) == (4, (0.7,), 1)
    assert progress.best_metrics == {"m": 0.7}


def test_judging_again_gives_the_same_figures(lab: Lab) -> None:
    for config in (lab.config("vgae"), lab.config("gat"), lab.fusion()):
        stage = lab.stage(config).module
        first, again = validate(stage), validate(stage)
        assert first == again
        assert first.metrics


def test_training_ends_when_the_patience_does(lab: Lab) -> None:
    config = lab.config("gat")
    training = replace(config.training, epochs=30, patience=2, learning_rate=5.0)
    run = lab.train(replace(config, training=training))
    progress = checkpoint(run, LAST)["progress"]
    assert progress["epoch"] < 30
    assert progress["waited"] == 2
    assert progress["epoch"] == progress["best_epoch"] + 3
    assert len(rows_of(run)) == progress["epoch"]


@pytest.mark.parametrize("model", RUNS)
def test_a_run_stopped_after_every_step_ends_as_the_uninterrupted_one(
    model: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RUNS[model](lab)
    whole = lab.train(config)
    optimizer = checkpoint(whole, LAST)["optimizer"]
    steps = int(optimizer["moments"][0][0])
    monkeypatch.setattr(stop._Wish, "made", False)  # so that it is taken back afterwards
    request_stop()
    pieces, attempts = train_in_pieces(lab, config)
    assert attempts == steps + 1  # the last one only calibrates and saves
    expected, found = weights_of(whole), weights_of(pieces)
    assert expected.keys() == found.keys()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert rows_of(whole) == rows_of(pieces)
    ours, theirs = (json.loads((run / "summary.json").read_text()) for run in (pieces, whole))
    assert ours["threshold"] == theirs["threshold"]
    assert ours["best_epoch"] == theirs["best_epoch"]
    assert ("projection.weight" in found) == (model in {"vgae", "gat"})


def test_a_stopped_run_says_where_it_goes_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    config = lab.config("gat", seed=5)
    monkeypatch.setattr(stop._Wish, "made", True)
    with pytest.raises(Stopped, match="after step 1 of epoch 1"):
        lab.train(config)
    monkeypatch.setattr(stop._Wish, "made", False)
    run = lab.train(config)
    lines = (run / "logs" / "run.jsonl").read_text().splitlines()
    resumed = [e for e in map(json.loads, lines) if e["event"] == "resume"]
    assert [(e["epochs_done"], e["steps_done"]) for e in resumed] == [(0, 1)]


def test_records_of_short_epochs_are_there_when_a_step_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs of milliseconds share a write of `metrics.csv`; a failure is no reason to lose it."""
    config = lab.fusion()
    config = replace(config, training=replace(config.training, epochs=40, patience=40), seed=7)
    learn, run = AgentStage.learn, lab.run_of(config)
    with_the_first_save: list[int] = []

    def failing(stage: AgentStage, *given: Any) -> None:
        if stage.epoch == 1:
            with_the_first_save[:] = [len(rows_of(run))]
        if stage.epoch == 25:
            raise ZeroDivisionError
        learn(stage, *given)

    with monkeypatch.context() as patched:
        patched.setattr(AgentStage, "learn", failing)
        with pytest.raises(ZeroDivisionError):
            lab.train(config)
    rows = rows_of(run)
    assert with_the_first_save == [1] and len(rows) == 25
    status = read_status(run)
    assert status is not None and status.epoch == 25
    assert checkpoint(run, LAST)["progress"]["epoch"] <= 25
    assert lab.train(config) == run
    assert rows_of(run)[:25] == rows and len(rows_of(run)) == 40
