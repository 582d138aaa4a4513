"""A run that is stopped and continued comes to the same weights and the same records."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from can_train.config.schema import RunConfig
from can_train.detectors.artifact import load_detector
from can_train.runs import stop
from can_train.runs.stop import Stopped, request_stop
from tests.lab import Lab

RUNS: dict[str, Callable[[Lab], RunConfig]] = {
    "vgae": lambda lab: lab.distilled("vgae"),
    "gat": lambda lab: lab.curriculum(
        lab.distilled("gat", {"feature_weight": 0.5, "kd_warmup_epochs": 1})
    ),
    "dqn": lambda lab: lab.fusion(),
}


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    """Best weights, projection included, and those that were deployed."""
    best = torch.load(run / "checkpoints" / "best.pt", weights_only=True)
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


@pytest.mark.parametrize("model", RUNS)
def test_a_run_stopped_after_every_step_ends_as_the_uninterrupted_one(
    model: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = RUNS[model](lab)
    whole = lab.train(config)
    steps = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
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
