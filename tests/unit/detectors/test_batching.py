"""Batches that are cut by numbers of windows, nodes and edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from can_train.detectors.batching import BatchBudget, WindowSizes


def sizes(nodes: list[int], edges: list[int] | None = None) -> WindowSizes:
    return WindowSizes(
        nodes=np.array(nodes, dtype=np.int64),
        edges=np.array(nodes if edges is None else edges, dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("budget", "cuts"),
    [
        (BatchBudget(windows=2), [0, 2, 4, 5]),
        (BatchBudget(windows=9), [0, 5]),
        (BatchBudget(windows=9, nodes=5), [0, 2, 3, 5]),
        (BatchBudget(windows=1, nodes=99), [0, 1, 2, 3, 4, 5]),
        (BatchBudget(windows=9, edges=30), [0, 3, 5]),
        (BatchBudget(windows=9, nodes=1, edges=1), [0, 1, 2, 3, 4, 5]),
        (BatchBudget(windows=9, nodes=99, edges=99), [0, 5]),
    ],
)
def test_a_batch_takes_what_fits(budget: BatchBudget, cuts: list[int]) -> None:
    found = budget.cuts(sizes([2, 3, 7, 2, 1], [10, 10, 10, 10, 10]))
    assert found.tolist() == cuts


WINDOWS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 90)), max_size=40)


@given(WINDOWS, st.integers(1, 12), st.none() | st.integers(1, 200), st.none() | st.integers(1, 99))
def test_every_window_comes_once_and_no_batch_is_over_its_budget(
    windows: list[tuple[int, int]], most: int, nodes: int | None, edges: int | None
) -> None:
    found = sizes([n for n, _ in windows], [e for _, e in windows])
    cuts = BatchBudget(windows=most, nodes=nodes, edges=edges).cuts(found)
    assert cuts[0] == 0 and cuts[-1] == len(windows)
    for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
        assert 0 < end - begin <= most
        if end - begin > 1:
            assert nodes is None or found.nodes[begin:end].sum() <= nodes
            assert edges is None or found.edges[begin:end].sum() <= edges


def test_half_of_a_budget() -> None:
    assert BatchBudget(windows=9, nodes=31).halved() == BatchBudget(windows=4, nodes=15)
    assert BatchBudget(windows=2, edges=1).halved() == BatchBudget(windows=1, edges=1)
    assert BatchBudget(windows=1, nodes=100).halved() is None
