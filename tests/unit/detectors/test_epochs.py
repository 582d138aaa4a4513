"""Batches, their sizes and their order."""

from __future__ import annotations

import numpy as np
import pytest

from can_train.detectors.epochs import automatic_batch_size, drawn, repeated, shuffled


@pytest.mark.parametrize(
    ("windows", "size"), [(10_000, 64), (3_200, 64), (1_500, 30), (100, 8), (1, 8)]
)
def test_an_epoch_has_at_least_fifty_steps_where_it_can(windows: int, size: int) -> None:
    assert automatic_batch_size(windows) == size


def test_batch_order_is_a_function_of_seed_and_epoch() -> None:
    order = shuffled(np.arange(50), 3)
    assert order(4).tolist() == order(4).tolist()
    assert order(4).tolist() != order(5).tolist()
    assert sorted(order(4)) == list(range(50))
    assert shuffled(np.arange(50), 2)(4).tolist() != order(4).tolist()


def test_a_limited_epoch_draws_anew_and_keeps_the_order() -> None:
    windows = shuffled(np.arange(50), 3)
    limited = drawn(windows, 10, 3)
    for epoch in (0, 1):
        kept = [window for window in windows(epoch) if window in set(limited(epoch).tolist())]
        assert limited(epoch).tolist() == kept
        assert len(kept) == 10
    assert sorted(limited(0)) != sorted(limited(1))
    assert drawn(windows, None, 3) is windows
    assert drawn(windows, 60, 3)(0).tolist() == windows(0).tolist()


def test_some_windows_come_twice_where_they_come_at_all() -> None:
    windows = repeated(shuffled(np.arange(50), 3), np.array([7, 8, 99]), 3)
    assert sorted(windows(0)) == sorted([*range(50), 7, 8])
    assert windows(1).tolist() == windows(1).tolist() != windows(0).tolist()
    released = repeated(lambda _: np.arange(8), np.array([7, 8]), 3)
    assert sorted(released(0)) == [*range(8), 7]


def test_nothing_to_repeat_leaves_an_epoch_as_it_is() -> None:
    windows = shuffled(np.arange(50), 3)
    assert repeated(windows, np.zeros(0, np.int64), 3) is windows
