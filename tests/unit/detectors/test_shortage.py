"""Whoever runs out of memory is understood."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from can_train.detectors.build import calibrated_detector
from can_train.detectors.scoring import score_windows
from can_train.detectors.shortage import is_out_of_memory, shortage_in
from can_train.graphs.feed import raw_graphs
from tests.lab import Lab
from tests.unit.training.test_out_of_memory import HUGE, little_memory

ALLOCATIONS: dict[str, Callable[[], object]] = {
    "torch": lambda: torch.ones(2**28),
    "numpy": lambda: np.ones(2**28),
    "python": lambda: bytearray(2**30),
    "map": lambda: np.memmap("/dev/zero", np.uint8, "r", shape=(2**30,)),
}


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_whoever_runs_out_of_memory_is_understood(name: str) -> None:
    with little_memory(), pytest.raises((MemoryError, RuntimeError, OSError)) as caught:
        ALLOCATIONS[name]()
    assert is_out_of_memory(caught.value)


def test_other_errors_are_none() -> None:
    for error in (RuntimeError("shapes differ"), OSError(errno.ENOENT, "gone"), ValueError()):
        assert not is_out_of_memory(error)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))


def test_work_that_fits_says_nothing_and_other_errors_stay() -> None:
    assert shortage_in(lambda: None) == ""

    def short() -> None:
        torch.empty(HUGE)

    assert shortage_in(short).startswith("RuntimeError: ")

    def wrong() -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        shortage_in(wrong)


def test_scores_are_the_same_where_memory_lets_fewer_windows_pass_at_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = lab.config("gat")
    stage = lab.stage(replace(config, training=replace(config.training, epochs=1)))
    detector = calibrated_detector(stage)
    windows = stage.inputs.windows("train")[:50]
    expected = score_windows([detector], stage.inputs.store, windows)["gat"]
    sizes = []

    def greedy(packed, some):
        sizes.append(len(some))
        if len(some) > 9:
            torch.empty(HUGE)
        return raw_graphs(packed, some)

    monkeypatch.setattr("can_train.detectors.scoring.raw_graphs", greedy)
    found = score_windows([detector], stage.inputs.store, windows)["gat"]
    assert max(sizes[-7:]) == 8
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-6)
    monkeypatch.setattr(
        "can_train.detectors.scoring.raw_graphs", lambda packed, some: torch.empty(HUGE)
    )
    with pytest.raises(MemoryError, match="for a single window"):
        score_windows([detector], stage.inputs.store, windows)
