"""Promises of the threshold and of p-values that hold for any data."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from can_train.detectors.calibration import conformal_threshold
from can_train.detectors.evidence import Margins
from can_train.detectors.surprise import Surprise
from tests.draws import examples

finite = st.floats(0, 1e6, allow_nan=False, width=64)


@examples(100)
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


@examples(200)
@given(
    margins=hnp.arrays(np.float64, st.integers(1, 40), elements=finite),
    probes=hnp.arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e9, 1e9)),
)
def test_p_values_fall_and_surprise_rises_and_never_says_more(margins, probes):
    benign, asked = Margins.of(margins), np.sort(probes)
    p = benign.p_value(asked)
    assert np.all(np.diff(p) <= 0)
    assert np.all((p > 0) & (p <= 1))
    surprise = Surprise(benign)(torch.from_numpy(asked)).numpy()
    assert np.all(np.diff(surprise) >= -1e-9)
    assert np.all(surprise <= -np.log(p) + 1e-9)


@examples(100)
@given(margins=hnp.arrays(np.float64, st.integers(2, 60), elements=finite), level=st.floats(0, 1))
def test_left_out_windows_are_no_rarer_than_their_p_values_say(margins, level):
    n = len(margins)
    p = [Margins.of(np.delete(margins, i)).p_value(margins[i]) for i in range(n)]
    assert np.count_nonzero(np.array(p) <= level) <= max(level * n, 1.0) + 1e-9


@pytest.mark.parametrize("windows", [1, 10, 1000, 50_000])
def test_p_values_tell_apart_margins_far_beyond_the_largest(windows):
    margins = np.random.default_rng(1).normal(size=windows)
    far = margins.max() + np.geomspace(1e-6, 1e6, 10_000)
    assert np.all(np.diff(Margins.of(margins).p_value(far)) < 0)
