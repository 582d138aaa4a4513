import time

import numpy as np
import pytest

from can_train.evaluation.controls import (
    CONTROLS,
    ControlData,
    best_fixed_alpha,
    control_data,
    control_threshold,
    fit_controls,
    fit_logistic_regression,
    fit_small_mlp,
    window_statistics,
)
from can_train.evaluation.metrics import window_metrics
from can_train.frames.recording import Recording
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.store import GraphStore


def windows(ids, label, *, features=None, position=None, deviation=None):
    """Windows that hold `ids` (one list per window); features are zero unless given."""
    counts = np.array([len(row) for row in ids])
    ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(ptr[-1])
    return ControlData(
        node_x=np.zeros((total, 2), np.float32) if features is None else features,
        node_ptr=ptr,
        edge_ptr=ptr * 2,
        node_id=np.concatenate(ids).astype(np.uint32),
        label=np.asarray(label, np.uint8),
        relative_position=np.zeros(len(ids)) if position is None else np.asarray(position),
        interval_deviation=deviation,
    )


def random_windows(number, seed, *, features=5, widest=40):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, widest, number)
    label = (rng.random(number) < 0.3).astype(np.uint8)
    shift = np.repeat(label, counts)[:, None]
    return windows(
        np.split(rng.integers(0, 50, counts.sum()), np.cumsum(counts)[:-1]),
        label,
        features=(rng.normal(size=(counts.sum(), features)) + shift).astype(np.float32),
        position=rng.random(number),
        deviation=rng.random(number) + label,
    )


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
        features=features,
        window=100,
        stride=100,
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
    )


def test_control_data_gathers_the_windows_asked_for():
    data = control_data(store_of_three_windows("relational"), np.array([2, 1]))
    assert data.node_id.tolist() == [13, 14, 15, 12]
    assert data.node_ptr.tolist() == [0, 3, 4] and data.edge_ptr.tolist() == [0, 3, 4]
    assert data.label.tolist() == [0, 1]
    assert data.relative_position.tolist() == [0.5, 0.25]
    column = FEATURE_NAMES["relational"].node.index("interval_z_abs_max")
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


def test_every_control_scores_every_window_the_same_with_the_same_seed():
    train, test = random_windows(300, seed=2), random_windows(80, seed=3)
    first, second = fit_controls(train, seed=4), fit_controls(train, seed=4)
    assert list(first) == list(CONTROLS)
    for name, control in first.items():
        score = control.score(test)
        assert score.shape == (80,) and score.dtype == np.float64, name
        np.testing.assert_array_equal(score, second[name].score(test), err_msg=name)


@pytest.mark.parametrize("label", [0, 1])
def test_without_both_classes_only_the_controls_that_learn_nothing_remain(label):
    train = windows([[1, 2], [1]], [label] * 2, deviation=np.zeros(2))
    fitted = {name for name, control in fit_controls(train, seed=0).items() if control}
    assert fitted == {"always_attack", "inter_arrival"}


def test_inter_arrival_is_undefined_without_time():
    assert fit_controls(windows([[1], [2]], [0, 1]), seed=0)["inter_arrival"] is None


def test_always_attack_alarms_on_every_window():
    data = random_windows(50, seed=5)
    control = fit_controls(data, seed=0)["always_attack"]
    threshold = control_threshold(control, data, 0.001)
    assert threshold.alarms(control.score(data)).all()
    assert threshold.target_fpr == 1.0


def test_a_control_is_calibrated_on_the_benign_windows_only():
    data = random_windows(400, seed=6)
    control = fit_controls(data, seed=0)["inter_arrival"]
    threshold = control_threshold(control, data, 0.1)
    benign = np.sort(data.interval_deviation[data.label == 0])
    k = int(np.ceil((len(benign) + 1) * 0.9))
    assert threshold.value == benign[k - 1]
    assert threshold.benign_windows == len(benign)


def test_position_only_learns_where_the_attack_usually_is():
    position = np.linspace(0, 1, 500)
    label = (position > 0.4) & (position < 0.6)
    data = windows([[1]] * 500, label, position=position)
    score = fit_controls(data, seed=0)["position_only"].score(data)
    assert window_metrics(label, score, 0.0, 1.0).roc_auc > 0.99


def test_id_lookup_finds_ids_that_only_attacks_send():
    ids = [[1, 2, 3]] * 80 + [[1, 2, 3, 1000 + i] for i in range(20)]
    control = fit_controls(windows(ids, [0] * 80 + [1] * 20), seed=0)["id_lookup"]
    assert control.ids.tolist() == [1, 2, 3]
    benign, seen, never_seen = control.score(
        windows([[1, 2, 3], [1, 2, 3, 1000], [1, 2, 3, 7]], [0, 1, 1])
    )
    assert benign < 0 < seen
    assert seen == never_seen  # the vocabulary is benign: an attacker's ID earns no entry


def test_id_lookup_has_no_opinion_on_unknown_ids_if_no_attack_used_one():
    ids = [[1, 2]] * 50 + [[1, 3], [1, 2, 3]] * 25
    control = fit_controls(windows(ids, [0] * 50 + [0, 1] * 25), seed=0)["id_lookup"]
    known, unknown = control.score(windows([[1, 2, 3], [1, 2, 3, 9, 10]], [1, 1]))
    # (1/27) / (1/77) is all that an ID seen in neither class can weigh: the smoothing's share
    assert abs(unknown - known) < 1.1
    assert known > 0


def test_id_lookup_on_an_unknown_vehicle_cannot_tell_windows_apart():
    ids = [[1, 2]] * 50 + [[1, 2, 0]] * 50
    control = fit_controls(windows(ids, [0] * 50 + [1] * 50), seed=0)["id_lookup"]
    score = control.score(windows([[21, 22], [21, 22, 0]], [0, 1]))
    assert score[0] == score[1] > 0


def test_boosted_trees_fit_and_score_fast_enough():
    train, test = (
        random_windows(1100, seed=7, features=20),
        random_windows(2500, seed=8, features=20),
    )
    start = time.process_time()
    control = CONTROLS["boosted_trees"](train, 0)
    fitted = time.process_time()
    score = control.score(test)
    # A quarter of the windows of a small dataset; CPU time, so that a busy machine passes.
    assert fitted - start < 10
    assert time.process_time() - fitted < 2
    assert window_metrics(test.label, score, 0.0, 1.0).roc_auc > 0.95


def test_best_alpha_agrees_with_trying_all_21():
    rng = np.random.default_rng(9)
    anomaly, p_attack = rng.random(500), rng.random(500)
    label = (0.3 * anomaly + 0.7 * p_attack > 0.5).astype(np.uint8)
    rewards = [
        np.mean(1 - ((1 - alpha) * anomaly + alpha * p_attack - label) ** 2)
        for alpha in np.linspace(0, 1, 21)
    ]
    best = best_fixed_alpha(anomaly, p_attack, label)
    assert best.alpha == pytest.approx(np.linspace(0, 1, 21)[np.argmax(rewards)])
    assert best.reward == pytest.approx(max(rewards))
    np.testing.assert_allclose(
        best.score(anomaly, p_attack), (1 - best.alpha) * anomaly + best.alpha * p_attack
    )


def test_best_alpha_trusts_the_expert_that_is_right():
    label = np.array([0, 1, 0, 1])
    wrong = 1.0 - label
    assert best_fixed_alpha(wrong, label, label).alpha == 1.0
    assert best_fixed_alpha(label, wrong, label).alpha == 0.0
    assert best_fixed_alpha(label, label, label).alpha == 0.0


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_learn_and_repeat(fit):
    rng = np.random.default_rng(10)
    label = (rng.random(400) < 0.4).astype(np.int64)
    state = rng.normal(size=(400, 15))
    state[:, 3] += 3 * label
    state[:, 7] = 5.0  # a constant column is no trouble
    score = fit(state, label, 0).score(state)
    assert window_metrics(label, score, 0.5, 1.0).roc_auc > 0.95
    np.testing.assert_array_equal(score, fit(state, label, 0).score(state))


@pytest.mark.parametrize("fit", [fit_logistic_regression, fit_small_mlp])
def test_state_classifiers_need_both_classes(fit):
    assert fit(np.zeros((10, 15)), np.zeros(10), 0) is None
