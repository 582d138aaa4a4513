"""What is too short for several threads takes one."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from can_train.detectors.fusion.fitting import fit_linear
from can_train.evaluation.bootstrap import block_bootstrap
from can_train.threads import one_thread


def numbers() -> list[int]:
    return [library["num_threads"] for library in threadpool_info()]


def test_every_library_has_one_thread_in_the_block_and_its_own_behind_it() -> None:
    before = numbers()
    with one_thread():
        assert set(numbers()) == {1}
    assert numbers() == before


def bootstrap() -> None:
    label = np.arange(3000) % 60 < 20
    block_bootstrap(label, np.random.default_rng(0).normal(size=3000), 0.0, 0)


def linear() -> None:
    features = np.random.default_rng(0).normal(size=(50_000, 8))
    label = (features[:, 0] > 0.0).astype(np.int64)
    fit_linear(features, label, np.full(len(label), 1.0 / len(label)))


@pytest.mark.parametrize("work", [bootstrap, linear])
def test_no_other_thread_turns_in_circles(work: Callable[[], None]) -> None:
    work()  # what is loaded and started once
    process, thread = time.process_time(), time.thread_time()
    for _ in range(5):
        work()
    of_others = time.process_time() - process - (time.thread_time() - thread)
    assert of_others < 0.1 * (time.thread_time() - thread)
