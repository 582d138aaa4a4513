"""Training by compiled loops learns what training by torch's own operations learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.plain_step import plainly
from torch import Tensor

from can_train.config.schema import RunConfig
from can_train.detectors.artifact import load_detector
from tests.lab import Lab

EPOCHS = 5
"""Of four steps each."""

MOST = 1e-3
"""Distance of both ways' weights as a share of what training moved them."""


def configs_of(lab: Lab) -> dict[str, RunConfig]:
    """A run of each network, with a seed that no other test has."""
    found = {"vgae": lab.config("vgae"), "gat": lab.curriculum(lab.config("gat"))}
    return {
        name: replace(config, seed=53, training=replace(config.training, epochs=EPOCHS))
        for name, config in found.items()
    }


def artifact(run: Path) -> Path:
    return next((run / "models").glob("*.pth"))


def weights(run: Path) -> dict[str, Tensor]:
    return load_detector(artifact(run)).network.state_dict()


def as_vector(named: dict[str, Tensor]) -> Tensor:
    return torch.cat([value.double().flatten() for _, value in sorted(named.items())])


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_the_plain_step_learns_the_same_to_rounding(model: str, lab: Lab) -> None:
    config = configs_of(lab)[model]
    compiled = lab.train(config)
    with plainly():
        plain = lab.train(config, "-plain")
    begun = as_vector(lab.stage(config).module.model.state_dict())
    ours, theirs = (as_vector(weights(run)) for run in (compiled, plain))
    assert 0.0 < torch.dist(ours, theirs) < MOST * torch.dist(ours, begun)
    found = [load_detector(artifact(run)).threshold.value for run in (compiled, plain)]
    assert found[0] == pytest.approx(found[1], rel=1e-3)


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_the_same_run_again_has_the_same_bytes(model: str, lab: Lab) -> None:
    config = configs_of(lab)[model]
    first, again = lab.train(config), lab.train(config, "-again")
    assert first != again
    assert artifact(first).read_bytes() == artifact(again).read_bytes()
