"""What an export costs in F1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from can_train.deploy.c99.cost import f1, packed, told_cost
from can_train.deploy.c99.rounding import quantized
from can_train.graphs.build import graphs_in_turn
from can_train.graphs.identity import WindowSpec
from tests.unit.graphs.graphs_for_tests import store_made_of
from tests.unit.streaming.streams_for_tests import fused, traffic


def test_f1_of_windows_needs_an_attack() -> None:
    label = np.array([True, True, False, False])
    assert f1(np.array([True, False, True, False]), label) == "0.5000"
    assert f1(label, np.zeros(4, bool)) == "n/a"


def test_graphs_of_a_store_are_those_that_were_built(tmp_path: Path) -> None:
    spec = WindowSpec(features="relational", window=50, stride=50)
    store = store_made_of(tmp_path, traffic(), spec)
    some = np.array([7, 3])
    found = packed(store, some)
    built = next(iter(graphs_in_turn(traffic(), spec, 256)))
    for at, window in enumerate(some):
        own, other = (
            [slice(ptr[k], ptr[k + 1]) for ptr in (of.node_ptr, of.edge_ptr)]
            for of, k in ((found, at), (built, int(window)))
        )
        np.testing.assert_array_equal(found.node_x[own[0]], built.node_x[other[0]])
        np.testing.assert_array_equal(found.edge_x[own[1]], built.edge_x[other[1]])


def test_without_a_run_it_is_unknown() -> None:
    detector = fused()
    assert "is unknown here" in told_cost(None, detector, quantized(detector))
