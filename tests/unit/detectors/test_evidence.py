"""p-values of margins, by the closed form, and the evidence behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from can_train.detectors.artifact import load_detector
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import (
    CalibrationEvidence,
    Margins,
    PValues,
    level_of,
    yardstick_of,
)
from can_train.detectors.kernels.window import Yardstick, excess_of
from can_train.detectors.scoring import score_windows
from can_train.detectors.surprise import Surprise
from can_train.errors import ArtifactError, TrainingError
from tests.lab import Lab


def by_hand(benign: NDArray[np.float64], margin: float) -> float:
    return float((1 + np.count_nonzero(benign >= margin)) / (len(benign) + 1))


def test_a_p_value_is_the_share_of_benign_windows_that_are_as_high() -> None:
    benign = np.round(np.random.default_rng(2).normal(size=300), 1)  # many are equal
    asked = np.linspace(-5, benign.max(), 200)
    expected = [by_hand(benign, margin) for margin in asked]
    np.testing.assert_allclose(Margins.of(benign).p_value(asked), expected, rtol=1e-14)


def test_beyond_the_largest_margin_it_falls_on_from_one_over_n_plus_one() -> None:
    benign = Margins.of(np.linspace(0.0, 10.0, 101))
    assert benign.p_value(10.0) == pytest.approx(2 / 102)
    assert benign.p_value(10.0 + 1e-9) == pytest.approx(1 / 102)
    # The 90 % quantile is 9; 9, 9.1, … 10 exceed it by 0.5 in the mean.
    assert benign.p_value(10.5) == pytest.approx(1 / 102 / 2)
    assert benign.p_value([1e300, np.inf]).min() > 0


def test_thinned_margins_never_claim_more_than_all_of_them() -> None:
    everything = np.random.default_rng(3).normal(size=30_000)
    kept = Margins.of(everything)
    assert (len(kept.values), kept.windows) == (2000, 30_000)
    asked = np.linspace(-5, 5, 400)
    exact = np.array([by_hand(everything, margin) for margin in asked])
    found = kept.p_value(asked)
    assert np.all(found[asked <= everything.max()] >= exact[asked <= everything.max()] - 1e-15)
    top = (asked > np.sort(everything)[-500]) & (asked <= everything.max())
    assert top.sum() > 20
    np.testing.assert_allclose(found[top], exact[top], rtol=1e-12)
    np.testing.assert_allclose(found[asked < 0], exact[asked < 0], atol=1e-3)


def test_nan_stays_nan_and_without_windows_nothing_is_rare() -> None:
    found = Margins.of([1.0, 2.0]).p_value(np.array([[np.nan, 1.0]]))
    assert found.shape == (1, 2) and found.dtype == np.float64
    assert np.isnan(found[0, 0]) and found[0, 1] == 1.0
    nothing = Margins.of([])
    assert nothing.p_value([-9.0, 9.0]).tolist() == [1.0, 1.0]
    assert np.isnan(nothing.p_value(np.nan))
    assert Surprise(nothing)(torch.tensor([-9.0, 9.0]).double()).tolist() == [0.0, 0.0]
    assert Surprise(Margins.of([1.0]))(torch.tensor([torch.nan]).double()).isnan().all()


def test_margins_that_are_not_finite_are_refused() -> None:
    with pytest.raises(TrainingError, match="2 of 3 margins aren't finite: training diverged"):
        Margins.of([1.0, np.inf, np.nan])


def test_surprise_is_that_of_the_p_value_at_each_margin_and_continuous() -> None:
    benign = Margins.of(np.round(np.random.default_rng(4).gamma(2.0, size=500), 2))
    known = torch.from_numpy(np.unique(benign.values))
    surprise = Surprise(benign)
    np.testing.assert_allclose(surprise(known).numpy(), -np.log(benign.p_value(known)), atol=1e-12)
    fine = torch.linspace(-1, 30, 200_001, dtype=torch.float64)
    said = surprise(fine)
    assert float(said.diff().min()) >= 0.0
    np.testing.assert_allclose(surprise(fine + 1e-9), said, atol=1e-5)
    assert float(said.diff()[fine[1:] > benign.values[-1]].min()) > 0.0


def test_evidence_survives_its_plain_form() -> None:
    rng = np.random.default_rng(0)
    made = CalibrationEvidence(benign=Margins.of(rng.normal(size=50)), attack=Margins.of([3.0]))
    again = CalibrationEvidence.from_plain(made.to_plain())
    asked = rng.normal(size=(3, 4))
    assert np.array_equal(again.p_value(asked), made.p_value(asked))
    assert again.attack.values.tolist() == [3.0]
    assert again.synthetic.windows == 0


@pytest.mark.parametrize(
    ("values", "windows", "said"),
    [
        ([2.0, 1.0], 2, "finite and in ascending order"),
        ([1.0, float("nan")], 2, "finite and in ascending order"),
        ([1.0], 2, "margins of 2 benign windows"),
        ([1.0], 0, "margins of 0 benign windows"),
    ],
)
def test_damaged_evidence_is_refused(values: list[float], windows: int, said: str) -> None:
    plain: dict[str, Any] = CalibrationEvidence().to_plain()
    plain["benign"] = {"values": np.array(values), "windows": windows}
    with pytest.raises(ArtifactError, match=said):
        CalibrationEvidence.from_plain(plain)


@pytest.mark.parametrize("model", ["vgae", "gat"])
def test_a_trained_detector_holds_the_margins_of_its_threshold_side(lab: Lab, model: str) -> None:
    inputs = lab.inputs(lab.config(model))
    detector = load_detector(Path(str(lab.student(model).path)))
    windows = inputs.windows("threshold")
    label = inputs.store.label[windows]
    score = score_windows([detector], inputs.store, windows)[model].score
    evidence, threshold = detector.evidence, detector.threshold
    np.testing.assert_allclose(evidence.benign.values, np.sort(score[label == 0]), rtol=1e-5)
    np.testing.assert_allclose(evidence.attack.values, np.sort(score[label == 1]), rtol=1e-5)
    assert evidence.synthetic.windows == 0
    assert (threshold.rule, threshold.real_value, threshold.robust_value) == (
        "real", threshold.value, None,
    )  # fmt: skip
    assert detector.p_value(threshold.value) == pytest.approx(2 / (evidence.benign.windows + 1))


@pytest.mark.parametrize("windows", [0, 1, 7, 5000])
def test_single_p_values_are_those_of_arrays(windows: int) -> None:
    rng = np.random.default_rng(windows)
    benign = Margins.of(rng.normal(size=windows).round(3))
    asked = np.concatenate([rng.normal(scale=3.0, size=200), benign.values, [-1e300, 1e300]])
    single = PValues(benign)
    assert [single.of(margin) for margin in asked.tolist()] == benign.p_value(asked).tolist()


@pytest.mark.parametrize("windows", [1, 999, 1000, 2000, 2001, 30_000])
def test_the_median_is_that_of_all_windows(windows: int) -> None:
    margins = np.random.default_rng(0).normal(size=windows)
    spacing = 0.0 if windows <= 2000 else 0.02  # evenly spaced ones are kept
    exact = np.sort(margins)[windows // 2]
    assert Margins.of(margins).median == pytest.approx(exact, abs=spacing + 1e-12)
    assert Margins.of([]).median == 0.0


def robust(value: float) -> Threshold:
    return Threshold(
        value=value,
        target_fpr=0.001,
        benign_windows=1000,
        exact=True,
        rule="robust",
        real_value=9.0,
        robust_value=value,
    )


USUAL = Margins.of(np.linspace(-7.0, -3.0, 1001))
"""Median -5, and a hundredth of them above -3.04."""


def test_a_recording_is_calm_below_the_usual_median() -> None:
    evidence = CalibrationEvidence(benign=Margins.of([-9.0]), synthetic=USUAL)
    assert level_of(robust(1.0), evidence) == pytest.approx(1.0 - 6.0)


def test_a_threshold_for_all_cars_is_one_yardstick() -> None:
    evidence = CalibrationEvidence(benign=Margins.of([-9.0]), synthetic=USUAL)
    assert yardstick_of(robust(1.0), evidence, True) == pytest.approx((1.0, 6.0, 1.0, 6.0))
    alone = CalibrationEvidence(benign=USUAL)
    assert yardstick_of(robust(1.0), alone, True) == pytest.approx((1.0, 6.0, 1.0, 6.0))


def test_a_threshold_for_the_own_car_has_another_one_elsewhere() -> None:
    evidence = CalibrationEvidence(benign=Margins.of([-9.0]), synthetic=USUAL)
    found = yardstick_of(robust(-6.0), evidence, False)
    assert found == pytest.approx((-6.0, 3.0, -3.04, 1.96), abs=0.005)
    assert yardstick_of(robust(1.0), evidence, False).far_threshold == 1.0


def test_an_excess_is_measured_with_what_fits_the_car() -> None:
    yardstick = Yardstick(threshold=-6.0, unit=3.0, far_threshold=-3.0, far_unit=2.0)
    assert excess_of(-3.0, 1.0, yardstick) == pytest.approx(1.0)
    assert excess_of(-3.0, 0.0, yardstick) == 0.0
    assert excess_of(-5.0, 0.0, yardstick) == -1.0
    assert excess_of(-3.0, 0.5, yardstick) == pytest.approx(0.5)


def test_a_threshold_among_the_margins_has_a_unit_nevertheless() -> None:
    flat = CalibrationEvidence(synthetic=Margins.of(np.zeros(50)))
    assert yardstick_of(robust(0.0), flat, True).unit == 0.01
