"""What training leaves in `checkpoints/`."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch
from torch import Tensor

from can_train.config.schema import RunConfig
from can_train.detectors.artifact import load_detector
from can_train.detectors.counts import parameter_count
from can_train.detectors.gat.spec import GatConfig
from can_train.errors import ArtifactError
from can_train.training.callbacks import BEST, LAST
from tests.lab import Lab

BYTES_PER_NUMBER = 4
NAMES_AND_FORMAT = 1.05
"""File over weights, for a network of 80,000 numbers."""


def of_some_size(lab: Lab, *, distilled: bool) -> RunConfig:
    sizes = GatConfig(layers=2, heads=4, hidden_channels=48, id_embedding=2, fc_channels=(96, 48))
    kd = {"feature_weight": 0.5}
    config = lab.distilled("gat", kd) if distilled else lab.config("gat")
    training = replace(config.training, epochs=1)
    return replace(config, architecture=sizes, training=training)


def checkpoint(run: Path, name: str) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(run / "checkpoints" / name, weights_only=True)
    return found


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
    last = torch.load(run / "checkpoints" / LAST, weights_only=True)["state_dict"]
    assert list(last) == list(best)


def test_the_best_weights_are_those_that_are_deployed(lab: Lab) -> None:
    run = lab.train(lab.config("gat"))
    deployed = load_detector(next((run / "models").glob("*.pth"))).network.state_dict()
    best = checkpoint(run, BEST)
    assert list(best) == [f"model.{name}" for name in deployed]
    assert all(torch.equal(value, best[f"model.{name}"]) for name, value in deployed.items())


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_a_checkpoint_with_every_weight_twice_says_what_to_remove(lab: Lab, model: str) -> None:
    config = lab.config(model, seed=3)
    run = lab.train(config)
    path = run / "checkpoints" / LAST
    document = torch.load(path, weights_only=True)
    weights = document["state_dict"]
    # So it was written when one module stood under two names.
    twice = {name.replace("model.", f"{model}.", 1): value for name, value in weights.items()}
    document["state_dict"] = {**weights, **twice}
    torch.save(document, path)
    before = path.read_bytes()
    with pytest.raises(ArtifactError) as caught:
        lab.train(config)
    assert str(caught.value) == (
        f"{path}: checkpoint of another version of can-train. Remove its folder ({path.parent}) "
        "to train from the first epoch"
    )
    assert path.read_bytes() == before
    for file in path.parent.iterdir():
        file.unlink()
    assert lab.train(config) == run
