"""What the controls see of windows."""

import numpy as np
import pytest

from can_train.evaluation.controls import control_data, window_statistics
from can_train.frames.recording import Recording
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.identity import WindowSpec
from can_train.graphs.store import GraphStore
from tests.unit.evaluation.controls.windows_for_tests import random_windows, windows


def store_of_three_windows(features):
    """Windows of 2, 1 and 3 nodes; node feature values are 100 * node + column."""
    names = FEATURE_NAMES[features]
    x = 100 * np.arange(6)[:, None] + np.arange(len(names.node))
    recording = Recording(
        scenario="train_02_with_attacks",
        name="DoS-kia",
        digest="0",
        frames=400,
        attack_frames=10,
        start_s=0.0,
        duration_s=1.0,
        attack_kind="DoS",
        vehicle="kia",
        source="DoS-kia.csv",
    )
    return GraphStore(
        key="0",
        spec=WindowSpec(features=features, window=100, stride=100),
        recordings=(recording,),
        node_x=x.astype(np.float32),
        node_id=np.arange(10, 16, dtype=np.uint32),
        edge_source=np.zeros(5, np.uint16),
        edge_target=np.zeros(5, np.uint16),
        edge_x=np.zeros((5, len(names.edge)), np.float32),
        node_ptr=np.array([0, 2, 3, 6]),
        edge_ptr=np.array([0, 1, 2, 5]),
        attack_fraction=np.array([0.0, 0.1, 0.0], np.float32),
        start=np.array([0, 100, 200]),
        start_s=np.zeros(3),
        duration_s=np.zeros(3, np.float32),
        recording=np.zeros(3, np.int32),
        marks=np.zeros(3, np.int8),
    )


def test_control_data_gathers_the_windows_asked_for():
    data = control_data(store_of_three_windows("relational"), np.array([2, 1]))
    assert data.node_id.tolist() == [13, 14, 15, 12]
    assert data.node_ptr.tolist() == [0, 3, 4] and data.edge_ptr.tolist() == [0, 3, 4]
    assert data.label.tolist() == [0, 1]
    assert data.relative_position.tolist() == [0.5, 0.25]
    column = FEATURE_NAMES["relational"].node.index("interval_z_abs_max")
    assert data.interval_deviation is not None
    assert data.interval_deviation.tolist() == [500 + column, 200 + column]


def test_control_data_of_a_feature_set_without_time_has_no_deviation():
    store = store_of_three_windows("classic")
    assert control_data(store, np.array([0])).interval_deviation is None
    assert len(control_data(store, np.array([], np.int64))) == 0


def test_window_statistics_agree_with_numpy_window_by_window():
    data = random_windows(50, seed=0)
    got = window_statistics(data)
    for i in range(50):
        x = data.node_x[data.node_ptr[i] : data.node_ptr[i + 1]].astype(np.float64)
        expected = [
            *x.mean(0),
            *x.std(0),
            *x.min(0),
            *x.max(0),
            *np.percentile(x, [10, 50, 90], axis=0).ravel(),
            len(x),
            2 * len(x),
        ]
        np.testing.assert_allclose(got[i], expected, rtol=1e-5, atol=1e-6)


def test_window_statistics_hold_no_id():
    data = random_windows(20, seed=1)
    other = windows(
        np.split(data.node_id + 1000, data.node_ptr[1:-1]), data.label, features=data.node_x
    )
    np.testing.assert_array_equal(window_statistics(data), window_statistics(other))


def test_an_empty_window_is_refused():
    data = windows([[1], [], [2]], [0, 0, 0])
    with pytest.raises(ValueError, match="window 1 has no nodes"):
        window_statistics(data)
