import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from can_train.alarms.rate import poisson_upper
from can_train.detectors.calibration import conformal_threshold
from can_train.errors import TrainingError
from can_train.evaluation.metrics import (
    METRIC_NAMES,
    undefined_metrics,
    window_metrics,
)

# At threshold 0.5: 3 true and 1 false alarm, 1 missed attack, 5 benign windows left alone.
LABEL = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
SCORE = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.5, 0.4, 0.3, 0.1, 0.0])


def test_metrics_agree_with_the_confusion_matrix_by_hand():
    m = window_metrics(LABEL, SCORE, 0.5, 2.0)
    assert (m.windows, m.attacks) == (10, 4)
    assert m.accuracy == pytest.approx(8 / 10)
    assert m.precision == pytest.approx(3 / 4)
    assert m.recall == pytest.approx(3 / 4)
    assert m.f1 == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert m.mcc == pytest.approx((3 * 5 - 1 * 1) / np.sqrt(4 * 4 * 6 * 6))
    assert m.fpr == pytest.approx(1 / 6)
    assert m.false_alarms_per_hour == pytest.approx(1 / 2.0)


def test_ranking_metrics_agree_with_counting_by_hand():
    m = window_metrics(LABEL, SCORE, 0.5, 2.0)
    # Pairs in order: 0.9, 0.8, 0.7 above all 6 benign windows; 0.2 above 0.1 and 0.0.
    assert m.roc_auc == pytest.approx((3 * 6 + 2) / 24)
    # Precision where each attack enters the ranking: 1/1, 2/2, 3/3, 4/8.
    assert m.pr_auc == pytest.approx((1 + 1 + 1 + 4 / 8) / 4)


def test_a_score_equal_to_the_threshold_does_not_alarm():
    threshold = conformal_threshold(np.array([0.1, 0.2, 0.3]), 0.5)
    assert threshold.value == 0.2
    m = window_metrics([0, 0, 1], [0.1, 0.2, np.nextafter(0.2, 1)], threshold.value, 1.0)
    assert (m.fpr, m.recall) == (0.0, 1.0)


def test_ties_between_classes_count_half():
    assert window_metrics([1, 0], [0.3, 0.3], 0.5, 1.0).roc_auc == pytest.approx(0.5)


def test_upper_bound_is_the_rule_of_three_when_none_was_seen():
    assert poisson_upper(0) == pytest.approx(-np.log(0.05))
    # 20,385 benign windows without an alarm prove at most 10.6 per hour at 72,000 windows/h.
    label = np.zeros(20_385)
    m = window_metrics(label, label, 0.5, 20_385 / 72_000)
    assert m.false_alarms_per_hour == 0
    assert m.false_alarms_per_hour_upper == pytest.approx(10.6, abs=0.03)


def test_upper_bound_is_exact_for_one_alarm():
    # P(X <= 1) = exp(-m) (1 + m) = 0.05
    upper = poisson_upper(1)
    assert np.exp(-upper) * (1 + upper) == pytest.approx(0.05)


def test_attacks_of_which_none_is_found_give_f1_0_and_no_precision():
    m = window_metrics(LABEL, SCORE, 2.0, 1.0)
    assert (m.precision, m.recall, m.f1, m.mcc) == (None, 0.0, 0.0, 0.0)


def test_benign_windows_alone_leave_everything_about_attacks_undefined():
    m = window_metrics(np.zeros(4), [0.1, 0.9, 0.2, 0.3], 0.5, 0.5)
    undefined = {name for name in METRIC_NAMES if getattr(m, name) is None}
    assert undefined == {
        "precision",
        "recall",
        "f1",
        "mcc",
        "roc_auc",
        "pr_auc",
        "recall_at_fpr_1e3",
        "recall_at_fpr_1e4",
    }
    assert (m.accuracy, m.fpr, m.false_alarms_per_hour) == (0.75, 0.25, 2.0)


def test_attack_windows_alone_leave_everything_about_benign_traffic_undefined():
    m = window_metrics(np.ones(4), [0.1, 0.9, 0.8, 0.7], 0.5, 0.5)
    assert (m.precision, m.recall, m.accuracy) == (1.0, 0.75, 0.75)
    assert (m.mcc, m.roc_auc, m.pr_auc, m.fpr) == (None, None, None, None)
    assert (m.false_alarms_per_hour, m.false_alarms_per_hour_upper) == (None, None)


def test_false_alarms_per_hour_need_a_known_duration():
    m = window_metrics(LABEL, SCORE, 0.5, 0.0)
    assert (m.false_alarms_per_hour, m.false_alarms_per_hour_upper) == (None, None)


def test_recall_at_a_low_fpr_needs_one_whole_benign_window():
    rng = np.random.default_rng(0)
    attack, benign = np.array([0.5, 2.0, 2.5, 3.0]), rng.random(1000)
    benign[:2] = [2.2, 2.1]  # one of them may alarm: the threshold is 2.1
    label = np.r_[np.ones(4), np.zeros(1000)]
    assert window_metrics(label, np.r_[attack, benign], 0, 1).recall_at_fpr_1e3 == 0.5
    assert window_metrics(label, np.r_[attack, benign], 0, 1).recall_at_fpr_1e4 is None
    short = window_metrics(label[:-1], np.r_[attack, benign][:-1], 0, 1)
    assert short.recall_at_fpr_1e3 is None


def test_no_windows_and_unlabelled_windows_are_all_undefined():
    assert window_metrics([], [], 0.5, 0.0) == undefined_metrics(0)
    values = dataclasses.astuple(undefined_metrics(12))
    assert values == (12, 0, *[None] * (len(METRIC_NAMES) - 2))


def test_nan_scores_are_an_error_and_infinite_ones_rank_last_or_first():
    with pytest.raises(TrainingError, match="1 of 2 window scores are NaN"):
        window_metrics([0, 1], [np.nan, 1.0], 0.5, 1.0)
    assert window_metrics([0, 1], [-np.inf, np.inf], 0.5, 1.0).roc_auc == 1.0


@pytest.mark.parametrize("digits", [1, 12])
def test_areas_are_scikit_learns_bit_for_bit_with_and_without_ties(digits):
    draw = np.random.default_rng(digits)
    for windows in (2, 7, 700):
        label = np.arange(windows) % 2
        score = np.round(draw.normal(label, 1.0), digits)
        m = window_metrics(label, score, 0.5, 1.0)
        assert m.roc_auc == roc_auc_score(label, score)
        assert m.pr_auc == average_precision_score(label, score)
