"""Several processes with a part of each batch are one with the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from can_train.config.schema import RunConfig
from tests.lab import Lab
from tests.ranks import calling, ended, started
from tests.unit.training.steps_for_tests import STEPS, Trained, fitted, trained

CASES = ("vgae", "gat", "vgae with a teacher", "gat with a teacher", "gat by a curriculum")
PROCESSES = 2
NO_DROPOUT: dict[str, Any] = {"dropout": 0.0}


def config_of(lab: Lab, case: str) -> RunConfig:
    """Without dropout; the last batch of an epoch is smaller, and odd ones don't halve."""
    if case == "vgae with a teacher":
        plain = lab.distilled("vgae")
    elif case == "gat with a teacher":
        plain = lab.distilled("gat", {"feature_weight": 0.5, "kd_warmup_epochs": 2})
    elif case == "gat by a curriculum":
        plain = lab.curriculum(lab.distilled("gat"))
    else:
        plain = lab.config(case)
    training = replace(plain.training, batch_size=13, epochs=STEPS)
    return replace(plain, architecture=replace(plain.architecture, **NO_DROPOUT), training=training)


@pytest.fixture(scope="module")
def frozen(lab: Lab) -> Mapping[str, Path]:
    return {case: lab.frozen(config_of(lab, case), "-steps") for case in CASES}


@pytest.fixture(scope="module")
def shared(
    frozen: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, list[Trained]]]:
    """What each process came to."""
    folder = tmp_path_factory.mktemp("ranks")
    words = calling("twenty_steps", folder, *frozen.values())
    with started(PROCESSES, words) as processes:
        for code, said in ended(processes):
            assert code == 0, said
    yield {
        case: [
            torch.load(folder / f"{path.stem}-{rank}.pt", weights_only=False)
            for rank in range(PROCESSES)
        ]
        for case, path in frozen.items()
    }


def require_same(name: str, found: torch.Tensor, expected: torch.Tensor) -> None:
    """To 1e-6; one weight in a hundred to 1e-5, since Adam divides by gradients near 0."""
    off = (found - expected).abs()
    assert float(off.max()) <= 1e-5, name
    assert int((off > 1e-6).sum()) <= max(off.numel() // 100, 1), name


@pytest.mark.parametrize("case", CASES)
def test_two_halves_are_the_whole(
    case: str, frozen: Mapping[str, Path], shared: Mapping[str, list[Trained]]
) -> None:
    alone = trained(frozen[case])
    first, second = shared[case]
    assert all(torch.equal(value, second.weights[n]) for n, value in first.weights.items())
    moved = max(
        float((value - alone.start[name]).abs().max()) for name, value in alone.weights.items()
    )
    for name, value in alone.weights.items():
        require_same(name, first.weights[name], value)
    assert moved > 1e-3
    for found, expected in zip(first.means, alone.means, strict=True):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_every_window_comes_once(case: str, shared: Mapping[str, list[Trained]]) -> None:
    first, second = shared[case]
    for one, other, chosen in zip(first.windows, second.windows, first.chosen, strict=True):
        assert sorted(one + other) == sorted(chosen.tolist())
        assert 0 <= len(one) - len(other) <= np.ceil(len(chosen) / 13)


def test_all_halve_their_batches_where_one_ran_out_of_memory(lab: Lab, tmp_path: Path) -> None:
    config = config_of(lab, "gat")
    config = replace(config, training=replace(config.training, epochs=3))
    frozen = lab.frozen(config, "-short")
    with started(PROCESSES, calling("short_of_memory", tmp_path, frozen)) as processes:
        for code, said in ended(processes):
            assert code == 0, said
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(PROCESSES))
    alone = fitted(frozen, tmp_path / "alone", None)
    assert first["halvings"] == second["halvings"] == alone["halvings"] == ((1, 0, "step"),)
    assert first["batch"] == second["batch"] == alone["batch"] == 6
    for name, value in alone["weights"].items():
        require_same(name, first["weights"][name], value)
    assert first["files"] == ["best.pt", "last.ckpt"]
