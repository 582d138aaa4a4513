import logging

import numpy as np
import pytest
import torch

from can_train.detectors.calibration import (
    EmpiricalCdf,
    RankScore,
    Threshold,
    conformal_threshold,
    robust_threshold,
)
from can_train.errors import ArtifactError, DataError, TrainingError


def test_threshold_is_the_order_statistic_of_the_closed_form():
    scores = np.arange(1.0, 1000.0)[::-1]  # 999 scores: k = 1000 * 0.999 = 999
    threshold = conformal_threshold(scores, 0.001)
    assert (threshold.value, threshold.benign_windows, threshold.exact) == (999.0, 999, True)
    assert conformal_threshold(np.arange(1.0, 100.0), 0.1).value == 90.0  # 100 * 0.9
    assert conformal_threshold(np.arange(1.0, 11.0), 0.25).value == 9.0  # ceil(11 * 0.75)


def test_threshold_counts_in_the_decimal_number_that_was_typed():
    # 0.29 * 100 < 29 in binary; the exact rule gives k = 100 - 29 = 71
    assert conformal_threshold(np.arange(1.0, 100.0), 0.29).value == 71.0


def test_too_few_windows_give_the_maximum_and_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            threshold = conformal_threshold(np.linspace(0, 1, 997), 0.001)
    assert (threshold.value, threshold.exact) == (1.0, False)
    assert [record.getMessage() for record in caplog.records] == [
        "997 benign calibration windows can't show a false-alarm rate of 0.001 (999 are needed): "
        "their largest score is the threshold"
    ]


def test_threshold_without_benign_windows_is_an_error():
    with pytest.raises(DataError, match="threshold: no benign calibration window"):
        conformal_threshold(np.array([]), 0.001)


def test_threshold_of_nan_scores_is_an_error():
    with pytest.raises(TrainingError, match="1 of 3 benign calibration scores are NaN"):
        conformal_threshold(np.array([0.1, np.nan, 0.2]), 0.001)


REAL = Threshold(value=0.2, target_fpr=0.01, benign_windows=500, exact=True)
RECORDING = np.repeat(np.arange(12), 1000)


def test_one_odd_recording_does_not_move_the_robust_threshold():
    scores = np.tile(np.linspace(0.0, 0.5, 1000), 12)
    usual = robust_threshold(scores, RECORDING, REAL).value
    assert usual == pytest.approx(0.499, abs=1e-3)  # the 99.8 % quantile of each
    scores[RECORDING == 3] = 1.0
    assert robust_threshold(scores, RECORDING, REAL).value == usual
    scores[RECORDING < 5] = 1.0  # more than a third
    assert robust_threshold(scores, RECORDING, REAL).value == 1.0


def test_the_robust_threshold_keeps_the_promise_for_real_windows():
    low = robust_threshold(np.full(12_000, 0.1), RECORDING, REAL)
    assert low == REAL
    high = robust_threshold(np.full(12_000, 0.9), RECORDING, REAL)
    assert (high.value, high.target_fpr) == (0.9, 0.01)


def test_a_robust_threshold_of_nan_scores_is_an_error():
    scores = np.full(12_000, 0.1)
    scores[7] = np.nan
    with pytest.raises(TrainingError, match="1 of 12000 synthetic benign scores are NaN"):
        robust_threshold(scores, RECORDING, REAL)


def test_cdf_is_rank_over_n_plus_one_and_linear_between():
    cdf = EmpiricalCdf.fit([4.0, 1.0, 2.0])
    assert cdf([1.0, 2.0, 4.0]).tolist() == [0.25, 0.5, 0.75]
    assert cdf(3.0) == pytest.approx(0.625)


def test_cdf_between_the_errors_is_numpys_interpolation():
    rng = np.random.default_rng(4)
    errors = np.sort(np.round(rng.gamma(2.0, size=500), 2))  # many are equal
    known, first = np.unique(errors, return_index=True)
    rank = np.append(first[1:], len(errors)) / (len(errors) + 1.0)
    probe = rng.uniform(known[0], known[-1], 999)
    np.testing.assert_array_equal(EmpiricalCdf.fit(errors)(probe), np.interp(probe, known, rank))


def test_errors_that_differ_by_next_to_nothing_have_finite_scores():
    cdf = EmpiricalCdf.fit([0.0, 2.5e-313, 1.0])
    assert cdf([0.0, 2.5e-313, 1.0]).tolist() == [0.25, 0.5, 0.75]


def test_the_module_gives_what_the_cdf_gives():
    cdf = EmpiricalCdf.fit(np.random.default_rng(0).gamma(2.0, size=300))
    probe = torch.linspace(-1, 40, 777, dtype=torch.float64)
    np.testing.assert_array_equal(RankScore(cdf)(probe).numpy(), cdf(probe.numpy()))
    assert RankScore(cdf)(probe[::2]).shape == (389,)


def test_cdf_tail_continues_from_the_largest_error():
    cdf = EmpiricalCdf.fit([1.0, 2.0, 4.0])
    assert cdf(4.0 * np.e) == pytest.approx(1 - 0.25 / 2)
    assert cdf(4.0 + 1e-9) == pytest.approx(0.75)


def test_equal_errors_share_the_highest_rank():
    cdf = EmpiricalCdf.fit([1.0, 2.0, 2.0, 2.0])
    assert cdf(2.0) == pytest.approx(0.8)
    assert EmpiricalCdf.fit([0.0, 0.0, 0.0])(0.0) == pytest.approx(0.75)


def test_cdf_keeps_nan_and_shape():
    score = EmpiricalCdf.fit([1.0, 2.0])(np.array([[np.nan, 1.0], [np.inf, 0.0]]))
    assert score.shape == (2, 2) and score.dtype == np.float64
    assert np.isnan(score[0, 0])
    assert score[1, 0] < 1.0


def test_cdf_survives_its_array():
    cdf = EmpiricalCdf.fit(np.random.default_rng(0).gamma(2.0, size=500))
    restored = EmpiricalCdf.from_array(cdf.to_array())
    probe = np.linspace(0, 30, 999)
    np.testing.assert_array_equal(restored(probe), cdf(probe))


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.array([2.0, 1.0]), "ascending order"),
        (np.array([]), "shape \\(0,\\)"),
        (np.array([[1.0]]), "shape \\(1, 1\\)"),
        (np.array([1.0, np.nan]), "finite numbers"),
    ],
)
def test_a_damaged_cdf_is_refused(stored, message):
    with pytest.raises(ArtifactError, match=message):
        EmpiricalCdf.from_array(stored)


def test_cdf_of_diverged_errors_is_an_error():
    with pytest.raises(TrainingError, match="1 of 2 benign errors aren't finite"):
        EmpiricalCdf.fit([1.0, np.inf])
    with pytest.raises(DataError, match="no benign window"):
        EmpiricalCdf.fit([])
