"""Promises of the threshold and the anomaly score that hold for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from can_train.detectors.calibration import EmpiricalCdf, conformal_threshold

finite = st.floats(0, 1e6, allow_nan=False, width=64)


@settings(max_examples=100, deadline=None)
@given(
    scores=hnp.arrays(np.float64, st.integers(2, 60), elements=finite),
    target=st.floats(0.01, 0.99),
)
def test_left_out_windows_alarm_no_more_often_than_promised(scores, target):
    # Exchangeable means: each of the n + 1 windows is equally likely to be the new one.
    n = len(scores) - 1
    rest = [np.delete(scores, i) for i in range(n + 1)]
    if (n + 1) * target < 1:  # too few windows for the promise
        return
    alarms = sum(scores[i] > conformal_threshold(rest[i], target).value for i in range(n + 1))
    assert alarms <= target * (n + 1) + 1e-9


@pytest.mark.parametrize("target", [0.001, 0.01, 0.1])
def test_false_alarm_rate_on_fresh_windows_is_the_target(target):
    rng = np.random.default_rng(7)
    calibration, fresh = rng.lognormal(size=(400, 2000)), rng.lognormal(size=(400, 500))
    rates = [
        np.mean(f > conformal_threshold(c, target).value)
        for c, f in zip(calibration, fresh, strict=True)
    ]
    standard_error = np.std(rates) / np.sqrt(len(rates))
    assert abs(np.mean(rates) - target) < 4 * standard_error + 1 / 2001


@settings(max_examples=200, deadline=None)
@given(
    errors=hnp.arrays(np.float64, st.integers(1, 40), elements=finite),
    probes=hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e9, 1e9)),
)
def test_anomaly_score_is_monotone_and_inside_0_1(errors, probes):
    score = EmpiricalCdf.fit(errors)(np.sort(probes))
    assert np.all(np.diff(score) >= 0)
    assert np.all((score > 0) & (score < 1))


@pytest.mark.parametrize("windows", [1, 10, 1000, 50_000])
def test_anomaly_score_tells_apart_errors_up_to_a_million_times_the_largest(windows):
    errors = np.random.default_rng(1).gamma(2.0, size=windows)
    cdf = EmpiricalCdf.fit(errors)
    far = errors.max() * np.geomspace(1.0, 1e6, 10_000)
    assert np.all(np.diff(cdf(far)) > 0)
