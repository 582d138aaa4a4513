import logging
from dataclasses import replace

import numpy as np
import pytest

from can_train.detectors.calibration import (
    RELIEF_SHARE,
    HeldOut,
    Threshold,
    conformal_threshold,
    robust_threshold,
)
from can_train.errors import DataError, TrainingError


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


REAL = Threshold(
    value=0.2, target_fpr=0.01, benign_windows=500, exact=True, rule="real", real_value=0.2
)
RECORDING = np.repeat(np.arange(12), 1000)


def held_out(scores: np.ndarray, *, synthetic: int = 0, familiar: int = 12) -> HeldOut:
    """Twelve recordings or fewer: the first ones of known cars, the last ones synthetic."""
    of = RECORDING[: len(scores)]
    return HeldOut(
        score=np.asarray(scores, np.float64),
        recording=of,
        synthetic=of >= 12 - synthetic,
        familiarity=(of < familiar).astype(np.float64),
    )


def test_one_odd_recording_does_not_move_the_robust_threshold():
    scores = np.tile(np.linspace(0.0, 0.5, 1000), 12)
    usual = robust_threshold(held_out(scores), REAL).value
    assert usual == pytest.approx(0.49, abs=1e-3)  # the 98 % quantile of each
    scores[RECORDING < 3] = 1.0
    assert robust_threshold(held_out(scores), REAL).value == usual
    scores[RECORDING < 4] = 1.0  # more than a third of the own car's
    assert robust_threshold(held_out(scores), REAL).value == 1.0


def test_a_fifth_of_the_recordings_may_be_odd_where_synthetic_ones_are_among_them():
    scores = np.tile(np.linspace(0.0, 0.5, 1000), 12)
    usual = robust_threshold(held_out(scores, synthetic=1), REAL).value
    scores[RECORDING < 2] = 1.0
    assert robust_threshold(held_out(scores, synthetic=1), REAL).value == usual
    scores[RECORDING < 3] = 1.0
    assert robust_threshold(held_out(scores, synthetic=1), REAL).value == 1.0


@pytest.mark.parametrize("recordings", [4, 5, 6])
def test_of_few_recordings_the_oddest_does_not_decide(recordings: int):
    scores = np.tile(np.linspace(0.0, 0.5, 1000), recordings)
    scores[:1000] = 1.0
    found = robust_threshold(held_out(scores), REAL)
    assert found.rule == "robust"
    assert found.value == pytest.approx(0.49, abs=1e-3)


def test_of_three_recordings_none_can_be_left_out():
    scores = np.tile(np.linspace(0.0, 0.5, 1000), 3)
    assert robust_threshold(held_out(scores), REAL) == REAL


@pytest.mark.parametrize("asked", [0.1, 0.9])
def test_the_robust_threshold_stands_beside_that_of_real_windows(asked: float):
    """Below it, too: an odd real recording rules the real one, and not this one."""
    found = robust_threshold(held_out(np.full(12_000, asked)), REAL)
    assert found == replace(REAL, value=asked, rule="robust", robust_value=asked)
    assert found.real_value == 0.2


def test_the_robust_threshold_follows_the_target():
    scores = np.tile(np.linspace(0.0, 1.0, 1001)[1:], 12)
    loose = robust_threshold(held_out(scores), replace(REAL, target_fpr=0.05))
    assert loose.value == pytest.approx(0.9, abs=2e-3)
    assert robust_threshold(held_out(scores), replace(REAL, target_fpr=0.9)).value < 0.01


def test_a_robust_threshold_of_nan_scores_is_an_error():
    scores = np.full(12_000, 0.1)
    scores[7] = np.nan
    with pytest.raises(TrainingError, match="1 of 12000 calibration scores are NaN"):
        robust_threshold(held_out(scores), REAL)


def test_a_synthetic_recording_is_allowed_more_alarms():
    """It holds more oddities in a minute than a car in an hour."""
    scores = np.tile(np.linspace(0.0, 1.0, 1001)[1:], 12)
    assert robust_threshold(held_out(scores), REAL).value == pytest.approx(0.98, abs=2e-3)
    mixed = held_out(scores, synthetic=12)
    assert robust_threshold(mixed, REAL).value == pytest.approx(0.9, abs=2e-3)


def quieter_at_home(familiar: int) -> HeldOut:
    """Scores of 1 on known cars and of 5 on others."""
    scores = np.where(RECORDING < familiar, 1.0, 5.0)
    return held_out(scores, synthetic=12 - familiar, familiar=familiar)


def test_a_car_that_was_trained_on_goes_half_way_to_its_own_threshold():
    found = robust_threshold(quieter_at_home(6), REAL)
    assert (found.value, found.relief) == (5.0, RELIEF_SHARE * 4.0)


def test_no_relief_rests_on_few_windows_or_recordings():
    few_windows = robust_threshold(quieter_at_home(6), replace(REAL, exact=False))
    few_recordings = robust_threshold(quieter_at_home(3), REAL)
    assert (few_windows.relief, few_recordings.relief) == (0.0, 0.0)


def test_a_relief_only_ever_lowers_the_threshold():
    louder_at_home = held_out(np.where(RECORDING < 8, 5.0, 1.0), synthetic=4, familiar=8)
    assert robust_threshold(louder_at_home, REAL).relief == 0.0


def test_a_threshold_keeps_what_the_training_made_of_it():
    scores = np.random.default_rng(0).normal(size=12_000)
    found = robust_threshold(held_out(scores), REAL)
    calm = replace(found, level=found.value - 2.0)
    raised = replace(calm, value=found.value + 5)
    assert raised.trained == found.value
    assert raised.level_step == calm.level_step == 2.0 / 64
    assert found.level_step == 0.0
    assert REAL.trained == REAL.real_value
