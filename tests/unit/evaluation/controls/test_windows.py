"""Simple detectors on windows: what they learn, and what they can't."""

import time

import numpy as np
import pytest

from can_train.evaluation.controls import (
    CONTROLS,
    Control,
    ControlData,
    control_threshold,
    fit_controls,
)
from can_train.evaluation.controls.windows import IdLookup
from can_train.evaluation.metrics import window_metrics
from tests.unit.evaluation.controls.windows_for_tests import random_windows, windows


def fitted(name: str, train: ControlData) -> Control:
    control = fit_controls(train, seed=0)[name]
    assert control is not None
    return control


def test_every_control_scores_every_window_the_same_with_the_same_seed():
    train, test = random_windows(300, seed=2), random_windows(80, seed=3)
    first, second = fit_controls(train, seed=4), fit_controls(train, seed=4)
    assert list(first) == list(CONTROLS)
    for name, control in first.items():
        again = second[name]
        assert control is not None and again is not None, name
        score = control.score(test)
        assert score.shape == (80,) and score.dtype == np.float64, name
        np.testing.assert_array_equal(score, again.score(test), err_msg=name)


@pytest.mark.parametrize("label", [0, 1])
def test_without_both_classes_only_the_controls_that_learn_nothing_remain(label):
    train = windows([[1, 2], [1]], [label] * 2, deviation=np.zeros(2))
    remaining = {name for name, control in fit_controls(train, seed=0).items() if control}
    assert remaining == {"always_attack", "inter_arrival"}


def test_inter_arrival_is_undefined_without_time():
    assert fit_controls(windows([[1], [2]], [0, 1]), seed=0)["inter_arrival"] is None


def test_always_attack_alarms_on_every_window():
    data = random_windows(50, seed=5)
    control = fitted("always_attack", data)
    threshold = control_threshold(control, data, 0.001)
    assert (control.score(data) > threshold.value).all()
    assert threshold.target_fpr == 1.0


def test_a_control_is_calibrated_on_the_benign_windows_only():
    data = random_windows(400, seed=6)
    control = fitted("inter_arrival", data)
    threshold = control_threshold(control, data, 0.1)
    benign = np.sort(data.interval_deviation[data.label == 0])
    k = int(np.ceil((len(benign) + 1) * 0.9))
    assert threshold.value == benign[k - 1]
    assert threshold.benign_windows == len(benign)


def test_position_only_learns_where_the_attack_usually_is():
    position = np.linspace(0, 1, 500)
    label = (position > 0.4) & (position < 0.6)
    data = windows([[1]] * 500, label, position=position)
    score = fitted("position_only", data).score(data)
    roc_auc = window_metrics(label, score, 0.0, 1.0).roc_auc
    assert roc_auc is not None and roc_auc > 0.99


def test_id_lookup_finds_ids_that_only_attacks_send():
    ids = [[1, 2, 3]] * 80 + [[1, 2, 3, 1000 + i] for i in range(20)]
    control = fitted("id_lookup", windows(ids, [0] * 80 + [1] * 20))
    assert isinstance(control, IdLookup)
    assert control.ids.tolist() == [1, 2, 3]
    benign, seen, never_seen = control.score(
        windows([[1, 2, 3], [1, 2, 3, 1000], [1, 2, 3, 7]], [0, 1, 1])
    )
    assert benign < 0 < seen
    assert seen == never_seen  # the vocabulary is benign: an attacker's ID earns no entry


def test_id_lookup_has_no_opinion_on_unknown_ids_if_no_attack_used_one():
    ids = [[1, 2]] * 50 + [[1, 3], [1, 2, 3]] * 25
    control = fitted("id_lookup", windows(ids, [0] * 50 + [0, 1] * 25))
    known, unknown = control.score(windows([[1, 2, 3], [1, 2, 3, 9, 10]], [1, 1]))
    # (1/27) / (1/77) is all that an ID seen in neither class can weigh: the smoothing's share
    assert abs(unknown - known) < 1.1
    assert known > 0


def test_id_lookup_on_an_unknown_vehicle_cannot_tell_windows_apart():
    ids = [[1, 2]] * 50 + [[1, 2, 0]] * 50
    control = fitted("id_lookup", windows(ids, [0] * 50 + [1] * 50))
    score = control.score(windows([[21, 22], [21, 22, 0]], [0, 1]))
    assert score[0] == score[1] > 0


def test_boosted_trees_fit_and_score_fast_enough():
    train, test = (
        random_windows(1100, seed=7, features=20),
        random_windows(2500, seed=8, features=20),
    )
    start = time.process_time()
    control = CONTROLS["boosted_trees"](train, 0)
    fitted_at = time.process_time()
    assert control is not None
    score = control.score(test)
    # A quarter of the windows of a small dataset; CPU time, so that a busy machine passes.
    assert fitted_at - start < 10
    assert time.process_time() - fitted_at < 2
    roc_auc = window_metrics(test.label, score, 0.0, 1.0).roc_auc
    assert roc_auc is not None and roc_auc > 0.95
