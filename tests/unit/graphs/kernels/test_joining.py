"""Joined windows are what numpy makes of them, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from can_train.graphs.build import build_graphs
from can_train.graphs.feed import raw_graphs
from can_train.graphs.identity import WindowSpec
from can_train.graphs.kernels.joining import JoinedGraphs, Scaling, StoredGraphs, joined
from can_train.graphs.scaling import IdVocabulary
from tests.unit.frames_for_tests import random_frames

PACKED = build_graphs(random_frames(200), WindowSpec(features="relational", window=30, stride=30))
KNOWN = IdVocabulary(ids=np.unique(PACKED.node_id)[1::2])
LIMIT = 1.5


def scaling(ids: NDArray[np.uint32]) -> Scaling:
    rng = np.random.default_rng(0)
    nodes, edges = PACKED.node_x.shape[1], PACKED.edge_x.shape[1]

    def drawn(width: int) -> NDArray[np.float32]:
        return rng.uniform(0.1, 2.0, size=width).astype(np.float32)

    return Scaling(drawn(nodes), drawn(nodes), drawn(edges), drawn(edges), np.float32(LIMIT), ids)


def together(windows: NDArray[np.int64], by: Scaling) -> JoinedGraphs:
    graphs = StoredGraphs(
        PACKED.node_x, PACKED.node_id, PACKED.node_ptr,
        PACKED.edge_x, PACKED.edge_source, PACKED.edge_target, PACKED.edge_ptr,
    )  # fmt: skip
    return joined(graphs, windows, by)


@pytest.mark.parametrize("chosen", [[0], [3, 1], [2, 2, 5], []])
def test_windows_in_any_order_are_joined_scaled_and_clipped(chosen: list[int]) -> None:
    windows, by = np.array(chosen, np.int64), scaling(KNOWN.ids)
    found, raw = together(windows, by), raw_graphs(PACKED, windows)
    for mine, x, mean, scale in (
        (found.x, raw.node_x, by.node_mean, by.node_scale),
        (found.edge_attr, raw.edge_x, by.edge_mean, by.edge_scale),
    ):
        np.testing.assert_array_equal(mine, np.clip((x.numpy() - mean) / scale, -LIMIT, LIMIT))
        assert mine.dtype == np.float32
    np.testing.assert_array_equal(found.edge_index, raw.edge_index.numpy())
    np.testing.assert_array_equal(found.batch, raw.batch.numpy())
    expected = KNOWN.index(raw.node_id.numpy().astype(np.uint32))
    np.testing.assert_array_equal(found.id_index, expected)
    assert not chosen or {0, 1} <= set(np.minimum(expected, 1))


def test_without_a_known_id_all_are_unknown() -> None:
    found = together(np.arange(2), scaling(np.zeros(0, np.uint32)))
    assert not found.id_index.any()


def test_a_feature_that_is_no_number_stays_so() -> None:
    by = scaling(KNOWN.ids)
    found = together(np.arange(2), by._replace(node_mean=np.full_like(by.node_mean, np.nan)))
    assert np.isnan(found.x).all()
