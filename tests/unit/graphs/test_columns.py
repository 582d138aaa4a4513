"""One list says what a packed store holds."""

from __future__ import annotations

import numpy as np

from can_train.graphs.build import GraphBuilder
from can_train.graphs.columns import STORED, GraphColumns
from can_train.graphs.identity import WindowSpec
from tests.unit.frames_for_tests import random_frames


def test_every_column_of_graphs_is_stored_with_its_own_type():
    spec = WindowSpec(features="relational", window=20, stride=20)
    (graphs,) = GraphBuilder(spec).build(random_frames(200))
    names = [column.name for column in STORED]
    assert set(GraphColumns.__dataclass_fields__) < set(names)
    assert len(set(names)) == len(names) == 12
    rows = {"node": len(graphs.node_id), "edge": len(graphs.edge_source), "window": len(graphs)}
    for column in STORED:
        values = column.of(graphs, 3)
        assert len(values) == rows[column.per], column.name
        assert (values.ndim == 2) == column.wide, column.name
        assert np.array_equal(values.astype(column.dtype), values), column.name
